"""A connection through a pooler that gives every transaction another session of the server (PgBouncer's transaction mode).

Nothing may be taken for granted from one transaction to the next: settings are local to each, temporary tables end with it,
and what takes more than one round trip to the server happens inside of one.
"""

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import asyncpg
from asyncpg.transaction import Transaction


class PooledConnection(asyncpg.Connection):
    """An asyncpg connection whose transactions carry their own settings and leave nothing behind."""

    local_settings: Mapping[str, str] = {}

    def transaction(self, **options: Any) -> "_LocalTransaction":  # type: ignore[override]
        """As asyncpg's. The outermost one begins with the settings and ends with dropping the temporary tables."""
        return _LocalTransaction(self, super().transaction(**options))

    async def _execute(self, *arguments: Any, **options: Any) -> Any:
        """Every statement with parameters goes through here: it is parsed in one round trip and run in another."""
        if self.is_in_transaction():
            return await super()._execute(*arguments, **options)  # type: ignore[misc]
        async with self.transaction():
            return await super()._execute(*arguments, **options)  # type: ignore[misc]


class _LocalTransaction:
    def __init__(self, connection: PooledConnection, transaction: Transaction) -> None:
        self._connection = connection
        self._transaction = transaction
        self._is_outermost = False

    async def __aenter__(self) -> None:
        self._is_outermost = not self._connection.is_in_transaction()
        await self._transaction.__aenter__()
        if self._is_outermost and self._connection.local_settings:
            await self._connection.execute(
                ";".join(
                    f"SET LOCAL {name} = {_literal(value)}"
                    for name, value in self._connection.local_settings.items()
                )
            )

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None and self._is_outermost:
            try:
                await self._connection.execute("DISCARD TEMPORARY")
            except BaseException as failure:
                await self._transaction.__aexit__(type(failure), failure, failure.__traceback__)
                raise
        await self._transaction.__aexit__(kind, error, trace)


def _literal(value: str) -> str:
    """A setting's value as SQL; a list such as `search_path` is given element by element."""
    return ", ".join("'" + part.strip().strip('"').replace("'", "''") + "'" for part in value.split(","))


class Lease:
    """One use of a pooled connection. It is another object every time, as the session behind it may be another."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        """Of this connection."""
        self._connection = connection

    def __getattr__(self, name: str) -> Any:
        """Whatever the connection has."""
        return getattr(self._connection, name)
