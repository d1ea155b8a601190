"""The owner's side of a rebuild: making room for a copy of the read tables, and putting it in their place."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import asyncpg

from auditor.sql import statements
from auditor.waiting import until
from rebuild.connect_client import SCHEMA, SUFFIX
from rebuild.pace import Place

PUBLIC, PREVIOUS = "public", "previous"
CHANNEL = "read_model"

_SQL = statements("read_model", package=__package__)
_CONNECT_TIMEOUT_S = 10
_LOCK_TIMEOUT = "200ms"
"""So long at most a reader waits behind a switch that waits for another reader."""
_LOCK_S = 2.0
_REACH_S = 2.0
_LOOK_S = 0.01

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"


class RebuildError(RuntimeError):
    """The read model cannot be rebuilt; the old one continues to serve."""


class SwitchBlockedError(Exception):
    """A reader holds the old tables, or the copy is not yet where they are: a moment later it may be otherwise."""


class ReadModel:
    """The read database in the hands of its owner. Errors of the driver propagate."""

    def __init__(self, connection: Connection, *, dsn: str) -> None:
        """`connection` and `dsn` are of the database's owner."""
        self._connection = connection
        self._dsn = dsn

    async def lock(self) -> None:
        """Be the only rebuild until the connection ends, also right after another was killed. Raises RebuildError."""

        async def locked() -> bool:
            return bool(await self._connection.fetchval(_SQL["lock"]))

        if not await until(locked, timeout_s=_LOCK_S):
            raise RebuildError("another rebuild is under way")

    async def make_room(self) -> None:
        """Make empty tables of the newest revision in schema `SCHEMA`.

        They get the triggers and checks that somebody has added to the tables that serve.

        Raises:
            RebuildError: the migration failed, or something is built upon the tables to be replaced.
        """
        env = {"CATALOG_MIGRATION_DATABASE_URL": self._dsn, "CATALOG_MIGRATION_SCHEMA": SCHEMA}
        migration = await asyncio.create_subprocess_exec(
            Path(sys.executable).with_name("catalog-service"),
            "migrate",
            env=_migration_environment() | env,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        said, _ = await migration.communicate()
        if migration.returncode:
            raise RebuildError(f"`catalog-service migrate` failed{os.linesep}{said.decode(errors='replace')}")
        outsiders = [row[0] for row in await self._connection.fetch(_SQL["outsiders"], PUBLIC, SCHEMA)]
        if outsiders:
            raise RebuildError(f"built upon the tables to be replaced, and to be dropped first: {outsiders}")
        await self.copy_additions()

    async def copy_additions(self) -> None:
        """Give the copy's tables the checks and triggers that those which serve have beyond the migrations."""
        for row in await self._connection.fetch(_SQL["additions"], PUBLIC, SCHEMA):
            await self._connection.execute(row[0])

    async def clear(self, copies: Sequence[str]) -> None:
        """Leave nothing of a rebuild: neither the copy nor what it has replaced, nor what its connectors noted."""
        await self._connection.execute(
            _SQL["forget"], copies
        )  # first: who wrote there is refused from here on
        for schema in (SCHEMA, PREVIOUS):
            await self._connection.execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")

    async def offsets(self, names: Sequence[str]) -> dict[Place, int]:
        """The next offsets of connectors."""
        return _by_place(await self._connection.fetch(_SQL["offsets"], names))

    async def epochs(self, names: Sequence[str]) -> dict[Place, int]:
        """How often each partition of connectors was claimed."""
        return _by_place(await self._connection.fetch(_SQL["epochs"], names))

    async def analyze(self) -> None:
        """Let the planner know the copy as well as it knows the old tables."""
        for row in await self._connection.fetch(_SQL["tables"], SCHEMA):
            await self._connection.execute(f"VACUUM (ANALYZE) {row[0]}")

    async def switch(self, names: Sequence[str], copies: Sequence[str]) -> float:
        """Put the copy in the place of the old tables, in one transaction; gives the seconds for which readers had to wait.

        Raises SwitchBlockedError when somebody is in the way: nothing has changed then.
        """
        try:
            async with self._connection.transaction():
                began = await self._switch(names, copies)
            return time.monotonic() - began
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as error:
            raise SwitchBlockedError(str(error)) from error

    async def _switch(self, names: Sequence[str], copies: Sequence[str]) -> float:
        """The order matters: the old stand still, the copy passes them, stands still as well, and only then readers wait."""
        run = self._connection.execute
        await run(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'")
        await self._reach(_by_place(await self._connection.fetch(_SQL["hold"], names)), copies)
        await self._connection.fetch(_SQL["hold"], copies)
        await run(f"CREATE SCHEMA {PREVIOUS}")
        out = await self._connection.fetch(_SQL["moves"], PUBLIC, PREVIOUS, SCHEMA)
        moved_in = await self._connection.fetch(_SQL["moves"], SCHEMA, PUBLIC, None)
        began = time.monotonic()
        tables = [row[0] for row in await self._connection.fetch(_SQL["shared_tables"], PUBLIC, SCHEMA)]
        await run(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE")
        for row in (*out, *moved_in):
            await run(row[0])
        await run(_SQL["take_over"], names, copies)
        await run(_SQL["tell"], CHANNEL)
        return began

    async def _reach(self, old: Mapping[Place, int], copies: Sequence[str]) -> None:
        deadline = time.monotonic() + _REACH_S
        while True:
            copied = await self.offsets(copies)
            behind = [
                f"{topic}/{partition} of {name}"
                for (name, topic, partition), at in old.items()
                if copied.get((name + SUFFIX, topic, partition), 0) < at
            ]
            if not behind:
                return
            if time.monotonic() > deadline:
                raise SwitchBlockedError(f"the copy is behind in {', '.join(behind)}")
            await asyncio.sleep(_LOOK_S)


def _migration_environment() -> dict[str, str]:
    """What the migration inherits: where things are and in which language, and nothing else of the caller's."""
    names = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")
    return {name: value for name, value in os.environ.items() if name in names or name.startswith("LC_")}


def _by_place(rows: Sequence[asyncpg.Record]) -> dict[Place, int]:
    return {(name, topic, partition): value for name, topic, partition, value in rows}


@asynccontextmanager
async def read_model(dsn: str) -> AsyncIterator[ReadModel]:
    """The read database at `dsn`, which names its owner."""
    connection = await asyncpg.connect(dsn, timeout=_CONNECT_TIMEOUT_S)
    try:
        yield ReadModel(connection, dsn=dsn)
    finally:
        await connection.close()
