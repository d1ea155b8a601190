"""Addresses of the stack in containers, as they are reached from this machine."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from auditor.target import Target
from demo.compose.containers import Container, containers, docker
from demo.compose.database_copy import PSQL_OPTIONS, copy_script, fill, tables_script
from demo.errors import NotRunningError
from devservers.ports import HOST

BROKER, INSTANCE = re.compile(r"kafka-\d+"), re.compile(r"order-\d+")
POSTGRES_PORT = 5432
_COPY_SQLITE = (
    "import sqlite3, sys; "
    "sys.stdout.buffer.write(sqlite3.connect(f'file:{sys.argv[1]}?mode=ro', uri=True).serialize())"
)


@dataclass(frozen=True, slots=True)
class ComposeStack:
    """What `containers` offer."""

    containers: tuple[Container, ...]

    @classmethod
    def running(cls) -> "ComposeStack":
        """As it is now. Raises NotRunningError."""
        return cls(containers())

    def one(self, service: str) -> Container:
        """A running container of `service`; raises NotRunningError."""
        for container in self.containers:
            if container.service == service and container.is_running:
                return container
        raise NotRunningError(f"no container of {service} runs")

    @property
    def instances(self) -> dict[str, str]:
        """Base URL of each order instance."""
        return {c.service: f"http://{HOST}:{c.ports[8000]}" for c in self._running(INSTANCE)}

    @property
    def catalog_url(self) -> str:
        """Base URL of the catalog."""
        return f"http://{HOST}:{self.one('catalog').ports[8000]}"

    @property
    def brokers(self) -> tuple[Container, ...]:
        """The brokers that run."""
        return self._running(BROKER)

    @property
    def bootstrap(self) -> str:
        """Their addresses on this machine, as clients take them."""
        return ",".join(f"{HOST}:{broker.ports[9092]}" for broker in self.brokers)

    @property
    def read_dsn(self) -> str:
        """The read database as the catalog's role."""
        dsn = self.one("catalog").setting("CATALOG_DATABASE_URL")
        return _at(dsn, port=self.one("read-db").ports[POSTGRES_PORT])

    @property
    def owner_dsn(self) -> str:
        """The read database as its owner."""
        return self._read_database("read_owner", kept_in="read_owner_password", database="read")

    @property
    def admin_dsn(self) -> str:
        """The server of the read database, as its superuser."""
        return self._read_database("postgres", kept_in="read_postgres_password", database="postgres")

    @property
    def sink_url(self) -> str:
        """REST address of the first worker."""
        return f"http://{HOST}:{self.one('sink').ports[8083]}"

    @asynccontextmanager
    async def target(self) -> AsyncIterator[Target]:
        """What an audit reads, for as long as the block lasts: the order databases as they were at its beginning.

        They stand on networks of their own, and what is read of them is printed inside and copied here.
        """
        with tempfile.TemporaryDirectory(prefix="audit-") as folder:
            databases = {
                instance: f"sqlite:///{await self._copied(self.one(instance), Path(folder))}"
                for instance in self.instances
            }
            yield Target(write_databases=databases, read_dsn=self.read_dsn, bootstrap=self.bootstrap)

    async def _copied(self, instance: Container, folder: Path) -> Path:
        """An instance's database as a file of SQLite."""
        url = urlsplit(instance.setting("ORDER_DATABASE_URL"))
        copy = folder / f"{instance.service}.db"
        if url.scheme.startswith("sqlite"):
            printed = await _printed_by(instance, "python", "-c", _COPY_SQLITE, url.path[1:])
            copy.write_bytes(printed)
        else:
            server = self.one(url.hostname or "")
            name = url.path[1:]
            listed = await _printed_by(server, "psql", *PSQL_OPTIONS, *tables_script(database=name))
            tables = set(listed.decode().split())
            script = copy_script(database=name, tables=tables)
            fill(copy, await _printed_by(server, "psql", *PSQL_OPTIONS, *script), tables=tables)
        return copy

    def _read_database(self, role: str, *, kept_in: str, database: str) -> str:
        server = self.one("read-db")
        password = docker("exec", server.id, "cat", f"/run/secrets/{kept_in}").strip()
        return f"postgresql://{role}:{password}@{HOST}:{server.ports[POSTGRES_PORT]}/{database}"

    def _running(self, service: re.Pattern[str]) -> tuple[Container, ...]:
        return tuple(c for c in self.containers if c.is_running and service.fullmatch(c.service))


def _at(dsn: str, *, port: int) -> str:
    """The same database, role and password at another address."""
    parts = urlsplit(dsn)
    return parts._replace(netloc=f"{parts.username}:{parts.password}@{HOST}:{port}").geturl()


async def _printed_by(container: Container, *command: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        "docker", "exec", container.id, *command, stdout=asyncio.subprocess.PIPE
    )
    printed, _ = await process.communicate()
    if process.returncode:
        raise NotRunningError(f"{container.name} did not give its database")
    return printed
