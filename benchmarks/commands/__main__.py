"""How many commands one instance commits, against the same application's empty route, and what each part costs.

    .venv/bin/python -m benchmarks.commands [--seconds 8] [--runs 3] [--smoke]

starts a Kafka of three brokers and a PostgreSQL 18 of its own (or takes TEST_KAFKA_BOOTSTRAP and TEST_POSTGRES_DSN), then
one instance after another, SQLite and PostgreSQL, in turns; writes `results/<day>.json` and `.md`. Use a machine that has
nothing else to do.
"""

import argparse
import asyncio
import contextlib
import datetime as dt
import json
import os
import platform
import statistics
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path

import asyncpg
import httpx
import uvloop
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from benchmarks.commands import drain
from benchmarks.commands.load import Measured, run
from devservers.kafka import KafkaCluster
from devservers.ports import free_ports
from devservers.postgres import PostgresServer

RESULTS = Path(__file__).with_name("results")
KAFKA, POSTGRES = "TEST_KAFKA_BOOTSTRAP", "TEST_POSTGRES_DSN"
ORDER = b'{"user_id":"ada","lines":[{"product_id":"tea","quantity":1}]}'
CONNECTIONS = 64


@dataclass(frozen=True, slots=True)
class Part:
    """A route and how the instance that serves it is started: each row adds one part to the one before."""

    name: str
    path: str
    options: tuple[str, ...]


PARTS = (
    Part("empty route", "/nothing", ("--bare",)),
    Part("+ validation", "/validated", ("--bare",)),
    Part("+ decision, durable commit of the order", "/orders", ("--bare", "--no-outbox")),
    Part("+ outbox rows", "/orders", ("--bare",)),
    Part("+ relay to Kafka, saga, all in the same process", "/orders", ()),
)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--runs", type=int, default=3)
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
    """This program again, beside servers of its own: uvloop, which it measures on, cannot start PostgreSQL as another user."""
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
    """Every part on both databases, then the relay; printed and kept."""
    results = [
        (round_, database, part.name, await measure(part, database, kafka, postgres, options.seconds))
        for round_ in range(options.runs)
        for database in ("sqlite", "postgresql")
        for part in PARTS
    ]
    drained = [
        (database, await drain.measure(url, kafka, prefix, events=options.events))
        for _ in range(options.runs)
        for database in ("sqlite", "postgresql")
        async for url, prefix in world(database, kafka, postgres)
    ]
    report = table(results, drained, options.events)
    print(report)
    if not options.smoke:
        RESULTS.mkdir(exist_ok=True)
        day = dt.datetime.now(dt.UTC).date().isoformat()
        runs = [{"run": r, "database": d, "part": p, **asdict(m)} for r, d, p, m in results]
        (RESULTS / f"{day}.json").write_text(json.dumps({"runs": runs, "drain": drained}, indent=1) + "\n")
        (RESULTS / f"{day}.md").write_text(report)


async def measure(part: Part, database: str, kafka: str, postgres: str, seconds: float) -> Measured:
    """One instance on a fresh database and fresh topics, under load for `seconds`."""
    port = free_ports(1)[0]
    async for url, prefix in world(database, kafka, postgres):
        environment = os.environ | {
            "ORDER_INSTANCE": "order-1",
            "ORDER_DATABASE_URL": url,
            "ORDER_KAFKA_BOOTSTRAP": kafka,
            "ORDER_PORT": str(port),
            "ORDER_TOPIC_PREFIX": prefix,
            "ORDER_OUTBOX_LIMIT": "10000000",
        }
        program = [sys.executable, "-m", "benchmarks.commands.serve", *part.options]
        instance = await asyncio.create_subprocess_exec(*program, env=environment)
        try:
            await prepared(port)
            return await run(instance.pid, port, part.path, ORDER, seconds=seconds, connections=CONNECTIONS)
        finally:
            instance.kill()
            await instance.wait()
    raise AssertionError


async def prepared(port: int) -> None:
    """The instance serves and has a product with goods for everyone."""
    product = {"product_id": "tea", "name": "Tea", "unit_price_cents": 450, "stock": 10**9}
    async with httpx.AsyncClient(trust_env=False) as http:
        for _ in range(400):
            with contextlib.suppress(httpx.TransportError):
                if (await http.post(f"http://127.0.0.1:{port}/products", json=product)).status_code == 201:
                    return
            await asyncio.sleep(0.05)
    raise RuntimeError("the instance does not serve")


async def world(database: str, kafka: str, postgres: str) -> AsyncIterator[tuple[str, str]]:
    """URL of a migrated, empty database, and a prefix whose topics exist; both are removed afterwards."""
    name = f"bench_{uuid.uuid4().hex[:8]}"
    prefix = f"{name}."
    topics = {f"{prefix}orders": 6, f"{prefix}products": 6, f"{prefix}inbox.order-1": 1}
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    await admin.start()
    await admin.create_topics([NewTopic(topic, count, 3) for topic, count in topics.items()])
    server = await asyncpg.connect(postgres)
    with tempfile.TemporaryDirectory(prefix="orders-") as directory:
        if database == "sqlite":
            url = f"sqlite+aiosqlite:///{directory}/orders.db"
        else:
            await server.execute(f"CREATE DATABASE {name}")
            url = f"postgresql+asyncpg://{postgres.partition('://')[2].rpartition('/')[0]}/{name}"
        try:
            await drain.migrate(url)
            yield url, prefix
        finally:
            await admin.delete_topics(list(topics))
            await admin.close()
            await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await server.close()


def table(
    results: list[tuple[int, str, str, Measured]], drained: list[tuple[str, float]], events: int
) -> str:
    """Medians with the lowest and the highest of the runs; the share is taken within each run."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"
    lines = [f"# Commands, {dt.datetime.now(dt.UTC):%Y-%m-%d}", "", f"{machine}; {CONNECTIONS} connections."]
    for database in ("sqlite", "postgresql"):
        lines += [
            "",
            f"## {database}",
            "",
            "| | per second | of the empty route | p50 ms | p99 ms | CPU µs each |",
            "|---|---|---|---|---|---|",
        ]
        empty = {r: m.per_second for r, d, p, m in results if (d, p) == (database, PARTS[0].name)}
        for part in PARTS:
            mine = {r: m for r, d, p, m in results if (d, p) == (database, part.name)}
            rates = spread([m.per_second for m in mine.values()], "{:,.0f}")
            shares = spread([m.per_second / empty[r] for r, m in mine.items()], "{:.2f}")
            p50 = spread([m.p50_ms for m in mine.values()], "{:.1f}")
            p99 = spread([m.p99_ms for m in mine.values()], "{:.1f}")
            cpu = spread([m.cpu_us for m in mine.values()], "{:,.0f}")
            lines.append(f"| {part.name} | {rates} | {shares} | {p50} | {p99} | {cpu} |")
        rates = spread([rate for d, rate in drained if d == database], "{:,.0f}")
        lines.append(f"\nThe relay drains {events:,} waiting events at {rates} a second.")
    return "\n".join(lines) + "\n"


def spread(values: list[float], form: str) -> str:
    low, middle, high = (form.format(f(values)) for f in (min, statistics.median, max))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


if __name__ == "__main__":
    sys.exit(main())
