"""A real PostgreSQL 18 out of a wheel: how one is made in a directory, and how it is started in the foreground.

The supervisor runs it as a part of the stack; `postgres_server` runs one for a test.
"""

import os
import pwd
import secrets
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from devservers.certificates import Authority
from devservers.ports import HOST
from devservers.postgres_programs import PostgresUnavailableError, barrier_for, binaries
from devservers.private_files import given_directory, private_directory
from devservers.process import ChildProcess, describe_exit, minimal_environment, tail

# PostgreSQL refuses to run as root; started by root it runs as this one.
UNPRIVILEGED_USER = "nobody"
# "Fast shutdown": ends the sessions, unlike SIGTERM, which waits for them.
STOP_SIGNAL = signal.SIGINT
ADMIN = "postgres"
LONGEST_SOCKET = 100


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
