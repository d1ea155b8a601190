"""A real MariaDB, Debian's: made in a directory and run by an ordinary user, its changes logged row by row."""

import asyncio
import os
import pwd
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from devservers.ports import HOST, free_ports
from devservers.postgres import UNPRIVILEGED_USER
from devservers.process import ChildProcess, minimal_environment, tail
from tests.support.waiting import wait_until

USER, PASSWORD = "writer", "writer"  # of a server that lives as long as a recording does
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


@dataclass(frozen=True, slots=True, kw_only=True)
class MariaDb:
    """Where a running server answers `USER`."""

    port: int

    async def run(self, statements: str, *, database: str = "") -> str:
        """Run statements by the server's own client; what it answers, without headings. Raises RuntimeError."""
        process = await asyncio.create_subprocess_exec(
            "mariadb", f"--host={HOST}", f"--port={self.port}", f"--user={USER}", f"--password={PASSWORD}", "--raw",
            "--batch", "--skip-column-names", "--default-character-set=utf8mb4", database,
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        answer, complaint = await process.communicate(statements.encode())
        if process.returncode:
            raise RuntimeError(f"{complaint.decode()} in {statements}")
        return answer.decode()


@asynccontextmanager
async def mariadb(directory: Path) -> AsyncIterator[MariaDb]:
    """A server until the block ends; `directory` is one that everybody may enter."""
    user = UNPRIVILEGED_USER if os.geteuid() == 0 else None
    data, log, port = directory / "mariadb", directory / "mariadb.log", free_ports(1)[0]
    data.mkdir()
    if user is not None:
        os.chown(data, pwd.getpwnam(user).pw_uid, pwd.getpwnam(user).pw_gid)
    initial = directory / "users.sql"
    initial.write_text(
        f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}';\nGRANT ALL ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
    )
    initial.chmod(0o644)
    made = await ChildProcess.start(
        ("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--auth-root-authentication-method=normal",
         "--skip-test-db"),
        log=log, env=minimal_environment(), cwd=data, user=user,
    )  # fmt: skip
    if await made.wait():
        raise RuntimeError(f"no MariaDB\n{tail(log)}")
    program = shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin") or "mariadbd"
    server = await ChildProcess.start(
        (program, "--no-defaults", f"--datadir={data}", f"--port={port}", f"--socket={data}/socket",
         f"--init-file={initial}", *_SETTINGS),
        log=log, env=minimal_environment(), cwd=data, user=user,
    )  # fmt: skip
    try:
        running = MariaDb(port=port)

        async def answers() -> bool:
            if server.returncode is not None:
                raise RuntimeError(f"MariaDB ended\n{tail(log)}")
            try:
                await running.run("SELECT 1")
            except RuntimeError:
                return False
            return True

        await wait_until(answers, timeout_s=90, what="MariaDB to answer")
        yield running
    finally:
        await server.stop(sig=signal.SIGTERM, grace_s=30)
