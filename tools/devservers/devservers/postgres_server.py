"""A real PostgreSQL 18 for the length of a block: made once in a directory, TCP on loopback only.

async with PostgresServer(directory=tmp_path) as postgres:
await asyncpg.connect(postgres.admin_dsn)
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from devservers.certificates import Authority
from devservers.ports import free_ports
from devservers.postgres import STOP_SIGNAL, PostgresInstall
from devservers.postgres_programs import PostgresUnavailableError
from devservers.private_files import kept_password, private_directory
from devservers.process import ChildProcess, minimal_environment, tail
from devservers.waiting import until

READY_TIMEOUT_S = 60.0


class PostgresServer:
    """A server for the length of an `async with`: ready on entry, no process left on exit, data kept."""

    def __init__(
        self,
        *,
        directory: Path,
        port: int | None = None,
        max_connections: int = 300,
        programs: Path | None = None,
        authority: Authority | None = None,
    ) -> None:
        """Describe a server; nothing starts before the `async with`. A free port and the wheel's programs by default."""
        self._directory = directory
        self._port = port or free_ports(1)[0]
        self._max_connections = max_connections
        self._programs = programs
        self._authority = authority
        self._process: ChildProcess | None = None
        self._front: ChildProcess | None = None

    @property
    def admin_dsn(self) -> str:
        """Address for the administrator."""
        return self._install().admin_dsn

    async def __aenter__(self) -> Self:
        """Make the data unless it is there, start the server and wait until it answers.

        Raises:
            PostgresUnavailableError: it did not come up.
        """
        # Root's own: the server's user gets a directory within, and only that one.
        private_directory(self._directory, mode=0o711)
        install = self._install()
        log = self._directory / "postgres.log"
        await install.create(log=log)
        self._process = await ChildProcess.start(
            install.run_command,
            log=log,
            env=minimal_environment(),
            cwd=self._directory,
            user=install.user,
        )
        try:
            await _wait_until_ready(install, self._process, log)
            if self._authority is not None:
                self._front = await ChildProcess.start(
                    install.tls_command, log=log, env=minimal_environment(), cwd=self._directory
                )
                await _wait_until_reached(install)
        except BaseException:
            await self._stop()
            raise
        return self

    async def kill(self) -> None:
        """End it as a crash does: at once, with nothing written out. It may be entered again."""
        if self._process is not None:
            self._process.kill_group()
            await self._process.wait()
            self._process = None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop the server; the data stays."""
        await self._stop()

    def _install(self) -> PostgresInstall:
        return PostgresInstall(
            directory=self._directory / "server",
            port=self._port,
            password=kept_password(self._directory / "password"),
            max_connections=self._max_connections,
            programs=self._programs,
            authority=self._authority,
        )

    async def _stop(self) -> None:
        if self._front is not None:
            await self._front.stop()
            self._front = None
        if self._process is not None:
            await self._process.stop(sig=STOP_SIGNAL)
            self._process = None


async def _wait_until_ready(install: PostgresInstall, process: ChildProcess, log: Path) -> None:
    async def ready_or_dead() -> bool:
        return process.returncode is not None or await install.answers()

    in_time = await until(ready_or_dead, timeout_s=READY_TIMEOUT_S)
    if not in_time or process.returncode is not None:
        raise PostgresUnavailableError(f"PostgreSQL did not start\n{tail(log)}")


async def _wait_until_reached(install: PostgresInstall) -> None:
    if not await until(install.is_reached, timeout_s=READY_TIMEOUT_S):
        raise PostgresUnavailableError("what speaks TLS in front of PostgreSQL did not start")
