"""Addresses of the stack in containers, as they are reached from this machine."""

import asyncio
import re
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from auditor.target import Target
from demo.compose.containers import Container, containers
from demo.compose.tunnel import tunnel
from demo.supervisor.control import NotRunningError
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
        return f"http://{HOST}:{self.one('catalog').ports[8000]}"

    @property
    def brokers(self) -> tuple[Container, ...]:
        return self._running(BROKER)

    @property
    def bootstrap(self) -> str:
        return ",".join(f"{HOST}:{broker.ports[9092]}" for broker in self.brokers)

    @property
    def read_dsn(self) -> str:
        """The read database as the catalog's role."""
        dsn = self.one("catalog").setting("CATALOG_DATABASE_URL")
        return _at(dsn, port=self.one("read-db").ports[POSTGRES_PORT])

    @asynccontextmanager
    async def target(self) -> AsyncIterator[Target]:
        """What an audit reads, for as long as the block lasts; an SQLite database as it was at its beginning."""
        async with AsyncExitStack() as opened:
            copies = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="audit-")))
            databases = {
                instance: await self._write_database(self.one(instance), opened=opened, copies=copies)
                for instance in self.instances
            }
            yield Target(write_databases=databases, read_dsn=self.read_dsn, bootstrap=self.bootstrap)

    async def _write_database(self, instance: Container, *, opened: AsyncExitStack, copies: Path) -> str:
        url = instance.setting("ORDER_DATABASE_URL")
        if url.startswith("sqlite"):
            copy = copies / f"{instance.service}.db"
            copy.write_bytes(
                await _printed_by(instance, "python", "-c", _COPY_SQLITE, urlsplit(url).path[1:])
            )
            return f"sqlite:///{copy}"
        server = self.one(urlsplit(url).hostname or "")
        return _at(url, port=await opened.enter_async_context(tunnel(server, POSTGRES_PORT)))

    def _running(self, service: re.Pattern[str]) -> tuple[Container, ...]:
        return tuple(c for c in self.containers if c.is_running and service.fullmatch(c.service))


def _at(dsn: str, *, port: int) -> str:
    """The same database, role and password at another door."""
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
