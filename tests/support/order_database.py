"""A look into an order instance's database, and a hand in it, without the service's own code."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

T = TypeVar("T")


async def within(url: str, work: Callable[[Connection], T]) -> T:
    """`work` in a transaction of its own."""
    address = url.partition("://")[2]
    if url.startswith("postgresql"):
        engine = create_async_engine(f"postgresql+asyncpg://{address}", poolclass=NullPool)
        try:
            async with engine.begin() as connection:
                return await connection.run_sync(work)
        finally:
            await engine.dispose()

    def run() -> T:
        with _sqlite(address).begin() as connection:
            return work(connection)

    return await asyncio.to_thread(run)


@lru_cache(maxsize=16)
def _sqlite(address: str) -> Engine:
    """An engine, which costs more than a query; it keeps no connection."""
    return create_engine(f"sqlite://{address}", poolclass=NullPool, connect_args={"timeout": 10})


async def rows(url: str, query: str, **parameters: Any) -> list[dict[str, Any]]:
    """What the query finds."""
    return await within(
        url,
        lambda connection: [dict(row) for row in connection.execute(text(query), parameters).mappings()],
    )


async def execute(url: str, statement: str, *parameters: dict[str, Any]) -> None:
    """The statement, once for each set of parameters."""

    def run(connection: Connection) -> None:
        connection.execute(text(statement), list(parameters) or None)

    await within(url, run)
