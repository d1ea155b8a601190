"""Rows lost and rows doubled: a worker is killed three times while it inserts records that the table has no key for.

Whoever runs a sink has something that starts it again, so it is started again at once, with the same configuration.
The moments of the kills are shares of the topic, drawn once by a seed: the same for everybody.
"""

import asyncio
import random
import time
from dataclasses import dataclass

import asyncpg

from benchmarks.sink.drain import WrongRowsError
from benchmarks.sink.servers import Servers, fresh_database
from benchmarks.sink.statements import statement
from benchmarks.sink.system import Job, System, WorkerDiedError, WorkerRun
from benchmarks.sink.topics import FilledTopic
from devservers.ports import free_ports

KILLS = 3
SEED = 7
FIRST, LAST = 0.1, 0.9
POLL_S = 0.05
QUIET_S = 3.0
PATIENCE_S = 60.0
"""Without a new row for so long, nothing more will come: what is missing is lost."""
MOST_DEATHS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Survival:
    """What three kills left of a topic of plain inserts."""

    group: str
    system: str
    records: int
    killed_at: tuple[int, ...]
    """Rows in the table when it was killed, by kill."""
    back_s: tuple[float, ...]
    """From the start after each kill to the next row, in seconds."""
    deaths: int
    """How often it ended by itself and had to be started again."""
    lost: int
    doubled: int


def kill_points(records: int) -> list[int]:
    """After how many rows to kill, rising: one random point in each third of the middle of the topic."""
    chance = random.Random(SEED)  # noqa: S311  the same points in every run are the point
    third = (LAST - FIRST) / KILLS
    return [int(records * (FIRST + (number + chance.random()) * third)) for number in range(KILLS)]


async def survive(system: System, topic: FilledTopic, servers: Servers) -> Survival:
    """Let `system` insert the topic into a table without a key, kill it three times, and count."""
    directory = servers.new_directory()
    async with fresh_database(servers.admin_dsn, f"kills_{directory.name}") as dsn:
        database = await asyncpg.connect(dsn)
        try:
            await database.execute(statement("table"))
            await database.execute("ALTER TABLE orders DROP CONSTRAINT orders_pkey")
            job = Job(
                topic=topic.name,
                mode="insert",
                bootstrap=servers.bootstrap,
                dsn=dsn,
                directory=directory,
                port=free_ports(1)[0],
                orders=(),
                keyed=False,
            )
            watch = _Watch(database, expected=topic.records)
            await _run_with_kills(system, job, watch, kill_points(topic.records))
            rows, distinct = await watch.count()
        finally:
            await database.close()
    return Survival(
        group=system.group,
        system=system.name,
        records=topic.records,
        killed_at=tuple(watch.killed_at),
        back_s=tuple(watch.back_s),
        deaths=watch.deaths,
        lost=topic.records - distinct,
        doubled=rows - distinct,
    )


class _Watch:
    """What is seen of the table while workers come and go."""

    def __init__(self, database: asyncpg.Connection, *, expected: int) -> None:
        self._database = database
        self._expected = expected
        self.killed_at: list[int] = []
        self.back_s: list[float] = []
        self.deaths = 0

    async def count(self) -> tuple[int, int]:
        """Rows, and orders among them."""
        ((rows, distinct),) = await self._database.fetch(statement("rows_and_orders"))
        return rows, distinct

    async def rows(self) -> int:
        found: int = await self._database.fetchval("SELECT count(*) FROM orders")
        return found

    async def until(self, wanted: int | None, run: WorkerRun, *, started: float | None) -> int:
        """Rows when there are `wanted` and it has written some, or, without a number, when nothing more comes.

        `started` is when a worker was started after a kill: the time to its first row is noted.
        """
        rows = before = await self.rows()
        since = time.monotonic()
        while wanted is None or rows < wanted or rows == before < self._expected:
            run.check()
            await asyncio.sleep(POLL_S)
            found = await self.rows()
            if found != rows:
                rows, since = found, time.monotonic()
                if started is not None and rows > before:
                    self.back_s.append(since - started)
                    started = None
            quiet = time.monotonic() - since
            if quiet > PATIENCE_S:
                if wanted is not None:
                    raise WrongRowsError(f"stuck at {rows:,} rows of {self._expected:,}")
                return rows
            if wanted is None and rows >= self._expected and quiet > QUIET_S:
                _, distinct = await self.count()
                if distinct >= self._expected:
                    return rows
        return rows


async def _run_with_kills(system: System, job: Job, watch: _Watch, points: list[int]) -> None:
    """Kill at the points, and start it again whenever it is not running, until everything is there."""
    waiting: list[int | None] = [*points, None]
    killed = False
    while waiting:
        started = time.monotonic()
        async with system.running(job) as run:
            if not isinstance(run, WorkerRun):
                raise TypeError(f"{system.name} is no process that could be killed")
            try:
                rows = await watch.until(waiting[0], run, started=started if killed else None)
            except WorkerDiedError:
                watch.deaths += 1
                if watch.deaths > MOST_DEATHS:
                    raise
                continue
            if waiting.pop(0) is not None:
                run.kill()
                watch.killed_at.append(rows)
                killed = True
