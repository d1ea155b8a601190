"""The benchmark's own Kafka and PostgreSQL, set up alike for every system."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from uuid import uuid4

import asyncpg

from devservers.kafka_cluster import KafkaCluster
from devservers.postgres_server import PostgresServer

# Every commit is flushed (fsync and synchronous_commit stay on, stated so that the result shows it). The rest keeps a
# checkpoint from falling into one system's run and not into another's, and tells when each row was committed.
POSTGRES_SETTINGS = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "shared_buffers": "1GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "track_commit_timestamp": "on",
    "track_wal_io_timing": "on",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """Where everything is; `admin_dsn` is a superuser's."""

    bootstrap: str
    admin_dsn: str
    directory: Path
    _numbers: Iterator[int] = field(default_factory=partial(count, 1))

    def new_directory(self) -> Path:
        """Make a place for one run; its name is unique and fits a topic, a group and a database."""
        place = self.directory / f"run{next(self._numbers)}-{uuid4().hex[:6]}"
        place.mkdir()
        return place


@asynccontextmanager
async def servers(directory: Path, *, bootstrap: str | None = None) -> AsyncIterator[Servers]:
    """Run both, with their files in `directory`; Kafka only when `bootstrap` names no running cluster."""
    async with _postgres(directory / "postgres") as admin_dsn:
        describe = partial(Servers, admin_dsn=admin_dsn, directory=directory)
        if bootstrap:
            yield describe(bootstrap=bootstrap)
            return
        async with KafkaCluster(directory=directory / "kafka", brokers=3) as kafka:
            yield describe(bootstrap=kafka.bootstrap)


@asynccontextmanager
async def fresh_database(admin_dsn: str, name: str) -> AsyncIterator[str]:
    """Give the DSN of an empty database; the checkpoint makes every system start from written pages."""
    admin = await asyncpg.connect(admin_dsn)
    try:
        await admin.execute(f'CREATE DATABASE "{name}"')
        await admin.execute("CHECKPOINT")
        yield f"{admin_dsn.rsplit('/', 1)[0]}/{name}"
        await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    finally:
        await admin.close()


@asynccontextmanager
async def _postgres(directory: Path) -> AsyncIterator[str]:
    async with PostgresServer(directory=directory) as server:
        admin = await asyncpg.connect(server.admin_dsn)
        for setting, value in POSTGRES_SETTINGS.items():
            await admin.execute(f"ALTER SYSTEM SET {setting} = '{value}'")
        await admin.close()
    async with PostgresServer(directory=directory) as server:
        yield server.admin_dsn
