"""Throughput: how fast a full topic becomes committed rows."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import asyncpg

from benchmarks.sink.orders import MARKER_EVERY, Order
from benchmarks.sink.servers import Servers, fresh_database
from benchmarks.sink.statements import statement
from benchmarks.sink.system import Job, Run, System
from benchmarks.sink.topics import Totals
from benchmarks.sink.workloads import Workload
from devservers.ports import free_ports

# Start-up, first plans and the JVM's compiler are nobody's throughput: the clock starts when this share is committed.
WARM_UP = 0.2
TIMEOUT_S = 240.0
POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """One topic drained once: every record arrived in its last state, or this would not exist."""

    group: str
    system: str
    connections: int
    workload: str
    records: int
    rate: float
    """Records per second after the warm-up share."""
    rate_whole: float
    """Records per second from the first commit to the last."""
    start_s: float
    """From the start of the worker to its first commit."""
    tenths_s: tuple[float, ...]
    """When each tenth of the topic was committed, in seconds since the first commit."""
    cpu_s: float | None
    peak_rss: int | None
    wrong_sums: tuple[str, ...]
    """Other columns whose sum is not what was sent."""
    cpu_us: float | None = None
    """Microseconds of the worker's processor time per record, after the warm-up share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A system that did not get through a workload."""

    system: str
    connections: int
    workload: str
    reason: str


class WrongRowsError(RuntimeError):
    """Rows or versions are missing or too many."""


async def drain(system: System, workload: Workload, servers: Servers) -> Drain:
    """Let `system` write the whole topic into a fresh database, check every column's sum, and time it."""
    directory = servers.new_directory()
    async with fresh_database(servers.admin_dsn, f"drain_{directory.name}") as dsn:
        database = await asyncpg.connect(dsn)
        try:
            await database.execute(statement(workload.table))
            job = Job(
                topic=workload.topic.name,
                mode=workload.mode,
                bootstrap=servers.bootstrap,
                dsn=dsn,
                directory=directory,
                port=free_ports(1)[0],
                orders=workload.orders(),
                settings=workload.settings,
            )
            started_at = time.time()
            async with system.running(job) as run:
                await _wait_for_the_last(database, workload.topic.last, run)
                usage = run.usage()
            wrong_sums = await _wrong_sums(database, workload.topic.totals)
            commits = await _timeline(database)
        finally:
            await database.close()
    first, last = commits[0], commits[-1]
    warm = next(commit for commit in commits if commit[1] >= min(WARM_UP, last[1]))
    records = workload.topic.records
    return Drain(
        group=system.group,
        system=system.name,
        connections=system.connections,
        workload=workload.name,
        records=records,
        rate=_rate(records, warm, last),
        rate_whole=_rate(records, first, last),
        start_s=first[0] - started_at,
        tenths_s=tuple(
            next(at for at, share in commits if share >= tenth / 10) - first[0] for tenth in range(1, 11)
        ),
        cpu_s=usage.cpu_s if usage else None,
        peak_rss=usage.peak_rss if usage else None,
        wrong_sums=wrong_sums,
        cpu_us=usage.since(warm[0]) / (records * (last[1] - warm[1])) * 1e6 if usage else None,
    )


async def _wait_for_the_last(database: asyncpg.Connection, last: Sequence[Order], run: Run) -> None:
    ids, versions = [order.order_id for order in last], [order.version for order in last]
    deadline = time.monotonic() + TIMEOUT_S
    while (arrived := await database.fetchval(statement("arrived"), ids, versions)) < len(last):
        run.check()
        if time.monotonic() > deadline:
            raise TimeoutError(f"{arrived} of {len(last)} partitions drained within {TIMEOUT_S:.0f} s")
        await asyncio.sleep(POLL_S)


async def _wrong_sums(database: asyncpg.Connection, expected: Totals) -> tuple[str, ...]:
    (sums_found,) = await database.fetch(statement("totals"))
    found = Totals(**sums_found)
    if (found.rows, found.versions) != (expected.rows, expected.versions):
        raise WrongRowsError(f"expected {expected}, found {found}")
    sums = asdict(expected)
    return tuple(name for name, value in asdict(found).items() if value != sums[name])


async def _timeline(database: asyncpg.Connection) -> list[tuple[float, float]]:
    """Every commit that left a row: its time, and the share of the marker rows committed by then."""
    rows = await database.fetch(statement("timeline"), MARKER_EVERY)
    total = sum(row["markers"] for row in rows)
    commits, seen = [], 0
    for row in rows:
        seen += row["markers"]
        commits.append((row["committed_at"], seen / total))
    return commits


def _rate(records: int, begin: tuple[float, float], end: tuple[float, float]) -> float:
    if begin == end:
        raise ValueError(f"{records:,} records went into one commit: too few to time")
    return records * (end[1] - begin[1]) / (end[0] - begin[0])
