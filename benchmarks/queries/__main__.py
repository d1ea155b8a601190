"""How long a page takes, at any depth; and the same question asked of the write databases.

.venv/bin/python -m benchmarks.queries                     1,000,000 orders, servers of its own
.venv/bin/python -m benchmarks.queries --orders 20000 --postgres postgresql://…    a smoke run
"""

import argparse
import asyncio
import contextlib
import json
import os
import platform
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from benchmarks.queries.shop import (
    BIN,
    INSTANCES,
    fill_read_database,
    fill_write_databases,
    write_environment,
)
from catalog_service.queries import STATEMENTS
from catalog_service.queries.cursor import seal_cursor
from catalog_service.queries.orders import OrderFilter, list_orders
from catalog_service.storage.database import Database
from launcher.postgres import PostgresServer

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
Figures = dict[str, Any]


async def measured(ask: Callable[[], Awaitable[object]], times: int) -> Figures:
    """Percentiles in milliseconds of asking one after the other."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await ask()
        took.append((time.perf_counter() - began) * 1000)
    took.sort()
    return {f"p{share}": round(took[min(times - 1, times * share // 100)], 2) for share in (50, 95, 99)}


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
    connection = await asyncpg.connect(
        dsn, server_settings={"plan_cache_mode": "force_custom_plan", "jit": "off"}
    )
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


async def over_http(dsn: str, directory: Path, times: int) -> dict[str, Figures]:
    """The newest orders of a user: one question to the catalog, or three to the instances and a merge."""
    async with contextlib.AsyncExitStack() as parts:
        catalog = await parts.enter_async_context(_serving("catalog-service", _catalog_environment(dsn)))
        instances = [
            await parts.enter_async_context(
                _serving("order-service", partial(write_environment, directory, name))
            )
            for name in INSTANCES
        ]
        http = await parts.enter_async_context(httpx.AsyncClient(timeout=60))
        users = [f"user-{number}" for number in (0, 1, 5, 20, 100)]
        turn = iter(range(10**9))

        async def one() -> object:
            user = users[next(turn) % len(users)]
            return (await http.get(f"{catalog}/orders?user_id={user}&limit={PAGE}")).raise_for_status().json()

        async def all_and_merge() -> object:
            user = users[next(turn) % len(users)]
            answers = await asyncio.gather(*(http.get(f"{url}/orders?user_id={user}") for url in instances))
            orders = [order for answer in answers for order in answer.raise_for_status().json()["items"]]
            return sorted(orders, key=lambda order: order["placed_at"], reverse=True)[:PAGE]

        for ask in (one, all_and_merge):
            await measured(ask, 20)
        return {
            "one read database": await measured(one, times),
            "three instances, merged": await measured(all_and_merge, times),
        }


def _catalog_environment(dsn: str) -> Callable[[int], dict[str, str]]:
    return lambda port: (
        os.environ
        | {
            "CATALOG_DATABASE_URL": dsn,
            "CATALOG_KAFKA_BOOTSTRAP": "127.0.0.1:9",
            "CATALOG_PORT": str(port),
            "CATALOG_LOG_LEVEL": "ERROR",
        }
    )


@contextlib.asynccontextmanager
async def _serving(program: str, environment: Callable[[int], dict[str, str]]) -> AsyncIterator[str]:
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        BIN / program, "serve", env=environment(port), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with httpx.AsyncClient() as http, asyncio.timeout(60):
            while True:
                with contextlib.suppress(httpx.TransportError):
                    await http.get(f"http://127.0.0.1:{port}/health/live")
                    break
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
        "| the newest orders of a user, over HTTP | p50 | p95 | p99 |",
        "|---|---|---|---|",
        *(f"| {name} | {r['p50']} | {r['p95']} | {r['p99']} |" for name, r in figures["http"].items()),
        "",
        *(
            line
            for name, plan in figures["plans"].items()
            for line in (f"## {name}, half-way down", "```", plan, "```")
        ),
    ]
    return "\n".join(lines) + "\n"


async def run(orders: int, times: int, admin_dsn: str | None) -> Figures:
    """The whole benchmark."""
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="queries-") as text:
        directory = Path(text)
        directory.chmod(0o755)  # noqa: ASYNC240 - PostgreSQL's user has to enter
        async with _database(admin_dsn, directory) as dsn:
            await fill_read_database(dsn, orders)
            await fill_write_databases(dsn, directory)
            return {
                "orders": orders,
                "at": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}",
                "load_before": round(load, 1),
                "pages": await pages(dsn, times),
                "http": await over_http(dsn, directory, times),
                "plans": await plans(dsn),
            }


def main(words: Sequence[str] | None = None) -> None:
    """Run, print, and with `--save` keep the result."""
    parser = argparse.ArgumentParser(prog="benchmarks.queries", description=__doc__)
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=500, help="how often each question is asked")
    parser.add_argument("--postgres", help="DSN of a server that runs already; without it one is started")
    parser.add_argument("--save", action="store_true", help="keep the result under results/")
    arguments = parser.parse_args(words)
    figures = asyncio.run(run(arguments.orders, arguments.times, arguments.postgres))
    text = report(figures)
    print(text)
    if arguments.save:
        RESULTS.mkdir(exist_ok=True)
        stem = RESULTS / f"{figures['at'][:10]}-{arguments.orders}"
        stem.with_suffix(".md").write_text(text)
        stem.with_suffix(".json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
