"""A real primary and its real streaming standby, and the ways in which the one takes over from the other."""

import os
import pwd
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from devservers.postgres import UNPRIVILEGED_USER
from devservers.postgres_programs import binaries
from devservers.postgres_server import PostgresServer
from devservers.process import ChildProcess, minimal_environment, tail
from devservers.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.sink import execute, rows
from tests.support.waiting import wait_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A primary that runs, and a standby that follows it by way of `stream`."""

    primary: PostgresServer
    standby: PostgresServer
    stream: TcpProxy

    @property
    def url(self) -> str:
        """Both of them, the primary first; whichever takes writes is meant."""
        first, second = urlsplit(self.primary.admin_dsn), urlsplit(self.standby.admin_dsn)
        hosts = f"{first.hostname}:{first.port},{second.hostname}:{second.port}"
        return f"jdbc:postgresql://{hosts}/postgres?targetServerType=primary&user=postgres&password={first.password}"

    async def wait_for_commits(self) -> None:
        """From here on a commit returns when the standby shows its rows."""
        await execute(
            self.primary.admin_dsn,
            "ALTER SYSTEM SET synchronous_standby_names = '*'",
            "ALTER SYSTEM SET synchronous_commit = 'remote_apply'",
            "SELECT pg_reload_conf()",
        )

        async def is_synchronous() -> bool:
            return await rows(self.primary.admin_dsn, "SELECT sync_state FROM pg_stat_replication") == [
                ("sync",)
            ]

        await wait_until(is_synchronous, what="the standby to be synchronous")

    async def fail_over(self) -> None:
        """Kill the primary, and have the standby take writes in its place."""
        await self.primary.kill()
        await execute(self.standby.admin_dsn, "SELECT pg_promote()")


@asynccontextmanager
async def primary_and_standby(directory: Path) -> AsyncIterator[Pair]:
    """Both end with the block; `directory` is one that everybody may enter."""
    primary = PostgresServer(directory=directory / "primary")
    async with primary, tcp_proxy(primary.admin_dsn) as stream:
        standby = PostgresServer(directory=directory / "standby")
        await _copy(stream.dsn, directory)
        async with standby:

            async def follows() -> bool:
                return bool(
                    await rows(primary.admin_dsn, "SELECT FROM pg_stat_replication WHERE state = 'streaming'")
                )

            await wait_until(follows, what="the standby to stream")
            yield Pair(primary=primary, standby=standby, stream=stream)


async def _copy(primary: str, directory: Path) -> None:
    """The standby's data, which name the primary and hold its passwords."""
    password, server = directory / "standby" / "password", directory / "standby" / "server"
    server.mkdir(parents=True)
    server.parent.chmod(0o711)
    shutil.copy2(directory / "primary" / "password", password)
    log = directory / "basebackup.log"
    copy = await ChildProcess.start(
        (binaries() / "pg_basebackup", "-d", primary, "-D", server / "data", "-R", "-X", "stream", "-c", "fast"),
        log=log, env=minimal_environment(), cwd=directory,
    )  # fmt: skip
    if await copy.wait():
        raise RuntimeError(f"no copy of the primary\n{tail(log)}")
    if os.geteuid() == 0:
        user = pwd.getpwnam(UNPRIVILEGED_USER)
        for place in (server, *server.rglob("*")):
            os.chown(place, user.pw_uid, user.pw_gid, follow_symlinks=False)
