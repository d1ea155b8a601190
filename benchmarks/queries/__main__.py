"""How long a page takes, at any depth; and the same question asked of the write databases, alone and under a mixed load.

.venv/bin/python -m benchmarks.queries                     1,000,000 orders, servers of its own
.venv/bin/python -m benchmarks.queries --orders 20000 --times 50 --seconds 3       a smoke run
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import logging
import os
import platform
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
import httpx

from benchmarks.queries.dataset import fill_read_database, fill_write_databases
from benchmarks.queries.load import CLIENTS, Commands, Figures, measured, mixed
from benchmarks.queries.running_system import RunningSystem, running_system
from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.cursor import seal_cursor
from catalog_service.read_model.database import PLANNER, Database
from catalog_service.read_model.orders import OrderFilter, list_orders
from devservers.postgres_server import PostgresServer

T = TypeVar("T")

PAGE = 50
RESULTS = Path(__file__).parent / "results"
DEPTHS = (0.0, 0.1, 0.5, 0.99)
QUESTIONS = {
    "everything": OrderFilter(),
    "one user, many orders": OrderFilter(user_id="user-0"),
    "one status, frequent": OrderFilter(status="SHIPPED"),
    "one status, rare": OrderFilter(status="PENDING"),
    "one user and a status": OrderFilter(user_id="user-0", status="PENDING"),
    "a best seller": OrderFilter(product_id="p-0"),
    "a middling product": OrderFilter(product_id="p-100"),
    "a product nobody buys": OrderFilter(product_id="p-nothing"),
}
USERS = (0, 1, 5, 20, 100)


async def pages(dsn: str, times: int) -> list[Figures]:
    """Every question at every depth, through the code that answers `GET /orders`, without HTTP."""
    found = []
    async with Database(dsn, pool_size=2, statement_timeout_s=30) as database:
        for name, wanted in QUESTIONS.items():
            for depth in DEPTHS:
                cursor = await cursor_at(database, wanted, depth)

                async def ask(wanted: OrderFilter = wanted, cursor: str | None = cursor) -> object:
                    return await list_orders(database, wanted=wanted, limit=PAGE, cursor=cursor)

                await measured(ask, 20)
                found.append({"question": name, "depth": depth, **await measured(ask, times)})
    return found


async def cursor_at(database: Database, wanted: OrderFilter, depth: float) -> str | None:
    """A cursor that stands behind the first `depth` of all orders: the page after one placed then."""
    if depth == 0:
        return None
    row = await database.fetch_row(
        "SELECT max(placed_at) - (max(placed_at) - min(placed_at)) * $1::float8 AS placed_at FROM orders",
        depth,
    )
    return seal_cursor(wanted.question(), (row["placed_at"], "~")) if row else None


async def plans(dsn: str) -> dict[str, str]:
    """What PostgreSQL does for each question, half-way down."""
    connection = await asyncpg.connect(dsn, server_settings=PLANNER)
    try:
        half = await connection.fetchval(
            "SELECT min(placed_at) + (max(placed_at) - min(placed_at)) / 2 FROM orders"
        )
        explained = {}
        for name, wanted in QUESTIONS.items():
            values = (wanted.user_id, wanted.status, wanted.product_id, None, None, half, "~", PAGE + 1)
            statement = "EXPLAIN (ANALYZE, BUFFERS) " + STATEMENTS["orders_newest_first"]
            explained[name] = "\n".join(row[0] for row in await connection.fetch(statement, *values))
        return explained
    finally:
        await connection.close()


async def over_http(system: RunningSystem, times: int, seconds: float) -> dict[str, Any]:
    """The newest orders of a user: one question to the catalog, or three to the instances and a merge.

    First asked alone, one after the other; then by eight at once, with a command among twenty requests.
    """
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=100)) as http:
        turn = itertools.count()

        async def one() -> object:
            answer = await http.get(f"{system.catalog}/orders?user_id={_user(turn)}&limit={PAGE}")
            return answer.raise_for_status().json()

        async def all_and_merge() -> object:
            user = _user(turn)
            urls = system.instances.values()
            answers = await asyncio.gather(
                *(http.get(f"{url}/orders?user_id={user}&limit={PAGE}") for url in urls)
            )
            orders = [order for answer in answers for order in answer.raise_for_status().json()["items"]]
            return sorted(orders, key=lambda order: order["placed_at"], reverse=True)[:PAGE]

        asks = {"one read database": one, "three instances, merged": all_and_merge}
        commands = Commands(http, system)
        await commands.prepare()
        for ask in asks.values():
            await measured(ask, 20)
        return {
            "alone": {name: await measured(ask, times) for name, ask in asks.items()},
            "mixed": {name: await mixed(ask, commands.place, seconds=seconds) for name, ask in asks.items()},
        }


def _user(turn: "itertools.count[int]") -> str:
    return f"user-{USERS[next(turn) % len(USERS)]}"


@contextlib.asynccontextmanager
async def _database(admin_dsn: str | None, directory: Path) -> AsyncIterator[str]:
    async with contextlib.AsyncExitStack() as servers:
        if admin_dsn is None:
            server = await servers.enter_async_context(PostgresServer(directory=directory / "postgres"))
            admin_dsn = server.admin_dsn
        name = f"queries_{uuid.uuid4().hex[:8]}"
        admin = await asyncpg.connect(admin_dsn)
        await admin.execute(f'CREATE DATABASE "{name}"')
        try:
            yield admin_dsn.rsplit("/", 1)[0] + f"/{name}"
        finally:
            await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
            await admin.close()


def report(figures: Figures) -> str:
    """The figures as Markdown."""
    lines = [
        f"# {figures['orders']:,} orders, pages of {PAGE}, {figures['at']}",
        f"{figures['machine']}; load average before: {figures['load_before']}. Milliseconds.",
        "",
        "| question | depth | p50 | p95 | p99 |",
        "|---|---|---|---|---|",
        *(
            f"| {r['question']} | {r['depth']:.0%} | {r['p50']} | {r['p95']} | {r['p99']} |"
            for r in figures["pages"]
        ),
        "",
        "| the newest orders of a user, over HTTP, one after the other | p50 | p95 | p99 |",
        "|---|---|---|---|",
        *(
            f"| {name} | {r['p50']} | {r['p95']} | {r['p99']} |"
            for name, r in figures["http"]["alone"].items()
        ),
        "",
        f"| {CLIENTS} clients, 19 reads and a command in turn | reads/s | p50 | p95 | p99 | commands/s | p50 | p95 | p99 |",
        "|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {' | '.join(str(r[what][of]) for what in ('reads', 'commands') for of in ('per_s', 'p50', 'p95', 'p99'))} |"
            for name, r in figures["http"]["mixed"].items()
        ),
        "",
        f"Seconds this took: {', '.join(f'{step} {took}' for step, took in figures['took_s'].items())}.",
        "",
        *(
            line
            for name, plan in figures["plans"].items()
            for line in (f"## {name}, half-way down", "```", plan, "```")
        ),
    ]
    return "\n".join(lines) + "\n"


async def run(orders: int, times: int, seconds: float, admin_dsn: str | None) -> Figures:
    """The whole benchmark."""
    load = os.getloadavg()[0]
    took_s: dict[str, float] = {}

    async def timed(step: str, work: Awaitable[T]) -> T:
        began = time.perf_counter()
        result = await work
        took_s[step] = round(time.perf_counter() - began, 1)
        print(f"{took_s[step]:7.1f} s  {step}", file=sys.stderr)
        return result

    with tempfile.TemporaryDirectory(prefix="queries-") as text:
        directory = Path(text)
        directory.chmod(0o755)  # noqa: ASYNC240 - PostgreSQL's user has to enter
        async with _database(admin_dsn, directory) as dsn:
            await timed("fill the read database", fill_read_database(dsn, orders))
            await timed("fill the write databases", fill_write_databases(dsn, directory))
            figures: Figures = {
                "orders": orders,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
                "load_before": round(load, 1),
                "pages": await timed("pages", pages(dsn, times)),
                "plans": await timed("plans", plans(dsn)),
            }
            async with contextlib.AsyncExitStack() as parts:
                system = await timed(
                    "start everything", parts.enter_async_context(running_system(dsn, directory))
                )
                figures["http"] = await timed("over HTTP", over_http(system, times, seconds))
    return figures | {"took_s": took_s}


def main(words: Sequence[str] | None = None) -> None:
    """Run, print, and with `--save` keep the result."""
    parser = argparse.ArgumentParser(prog="benchmarks.queries", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=500, help="how often each question is asked")
    parser.add_argument("--seconds", type=float, default=20.0, help="of mixed load, for each way of asking")
    parser.add_argument("--postgres", help="DSN of a server that runs already; without it one is started")
    parser.add_argument("--save", action="store_true", help="keep the result under results/")
    arguments = parser.parse_args(words)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker that is not up yet is no news
    figures = asyncio.run(run(arguments.orders, arguments.times, arguments.seconds, arguments.postgres))
    text = report(figures)
    print(text)
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        stem = RESULTS / f"{figures['at'][:10]}-{arguments.orders}"
        stem.with_suffix(".md").write_text(text)
        stem.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
