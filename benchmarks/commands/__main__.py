"""How many orders one running instance commits a second, and what its parts cost.

    .venv/bin/python -m benchmarks.commands [--seconds 8] [--runs 5] [--smoke]

starts a Kafka of three brokers and a PostgreSQL 18 of its own (or takes TEST_KAFKA_BOOTSTRAP and TEST_POSTGRES_DSN), then
one instance after another, SQLite and PostgreSQL, in turns; writes `results/<day>.json` and `.md`. Use a machine that has
nothing else to do.
"""

import argparse
import asyncio
import datetime as dt
import json
import os
import platform
import sys
import tempfile
from dataclasses import asdict, dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.commands import drain
from benchmarks.commands.instances import BARE, DATABASES, WHOLE, instance, place
from benchmarks.commands.load import Load, Measured, check_rows, run
from benchmarks.commands.report import EMPTY, markdown
from devservers.kafka_cluster import KafkaCluster
from devservers.postgres_server import PostgresServer

RESULTS = Path(__file__).with_name("results")
KAFKA, POSTGRES = "TEST_KAFKA_BOOTSTRAP", "TEST_POSTGRES_DSN"
ORDER = b'{"user_id":"ada","lines":[{"product_id":"tea","quantity":1}]}'
CONNECTIONS = 64
ORDERS = "/orders"


@dataclass(frozen=True, slots=True)
class Part:
    """A route, and the program that serves it."""

    name: str
    path: str
    program: tuple[str, ...]

    def load(self, seconds: float) -> Load:
        """An order is created; the other routes have nothing to say."""
        expected = HTTPStatus.CREATED if self.path == ORDERS else HTTPStatus.NO_CONTENT
        return Load(path=self.path, body=ORDER, expected=expected, seconds=seconds, connections=CONNECTIONS)


PARTS = (
    Part("running instance: relay, saga and consumers on", ORDERS, WHOLE),
    Part("without relay, saga and consumers", ORDERS, BARE),
    Part(EMPTY, "/nothing", BARE),
)


def main() -> int:
    """Measure; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--events", type=int, default=100_000, help="for the relay to drain")
    parser.add_argument("--smoke", action="store_true", help="one short run, nothing written")
    options = parser.parse_args()
    if options.smoke:
        options.seconds, options.runs, options.events = 1.0, 1, 5_000
    if KAFKA not in os.environ or POSTGRES not in os.environ:
        return asyncio.run(beside_servers(sys.argv[1:]))
    uvloop.run(compare(options, kafka=os.environ[KAFKA], postgres=os.environ[POSTGRES]))
    return 0


async def beside_servers(words: list[str]) -> int:
    """Run this program again, beside servers of its own: uvloop, which it measures on, cannot start PostgreSQL as another user."""
    with tempfile.TemporaryDirectory(prefix="commands-", ignore_cleanup_errors=True) as home:
        Path(home).chmod(0o755)  # noqa: ASYNC240 - nothing runs yet
        async with (
            KafkaCluster(directory=Path(home) / "kafka", brokers=3) as kafka,
            PostgresServer(directory=Path(home) / "postgres") as postgres,
        ):
            addresses = {KAFKA: kafka.bootstrap, POSTGRES: postgres.admin_dsn}
            program = (sys.executable, "-m", "benchmarks.commands", *words)
            measuring = await asyncio.create_subprocess_exec(*program, env=os.environ | addresses)
            return await measuring.wait()


async def compare(options: argparse.Namespace, *, kafka: str, postgres: str) -> None:
    """Measure every part on both databases, then the relay; print and keep the results."""
    runs = [
        {"run": number, "database": database, "part": part.name}
        | asdict(await measure(part, database, kafka=kafka, postgres=postgres, seconds=options.seconds))
        for number in range(options.runs)
        for database in DATABASES
        for part in PARTS
    ]
    drained = [
        (database, await drained_per_second(database, kafka=kafka, postgres=postgres, events=options.events))
        for _ in range(options.runs)
        for database in DATABASES
    ]
    day = dt.datetime.now(dt.UTC).date().isoformat()
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    results: dict[str, Any] = {"day": day, "machine": machine, "connections": CONNECTIONS}
    results |= {"events": options.events, "runs": runs, "drain": drained}
    print(markdown(results))
    if not options.smoke:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / f"{day}.json").write_text(json.dumps(results, indent=1) + "\n")
        (RESULTS / f"{day}.md").write_text(markdown(results))


async def measure(part: Part, database: str, *, kafka: str, postgres: str, seconds: float) -> Measured:
    """One instance on a fresh database and fresh topics, under load for `seconds`.

    Raises WrongAnswersError unless every order was answered with 201 and is a row of the table.
    """
    async with place(database, kafka=kafka, postgres=postgres) as where:
        async with instance(part.program, where, kafka=kafka) as started:
            measured = await run(part.load(seconds), pid=started.pid, port=started.port)
        if part.path == ORDERS:
            check_rows(measured, rows=await where.orders())
        return measured


async def drained_per_second(database: str, *, kafka: str, postgres: str, events: int) -> float:
    """How fast the relay empties an outbox of `events`."""
    async with place(database, kafka=kafka, postgres=postgres) as where:
        return await drain.measure(where, kafka=kafka, events=events)


if __name__ == "__main__":
    sys.exit(main())
