"""A certificate that is renewed in its file is presented without a restart; one that cannot be used is not."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from structlog.testing import capture_logs

from devservers.certificates import Authority
from order_service.entrypoints.http.served_certificate import follow_certificate
from tests.support.waiting import wait_until


@dataclass(slots=True, kw_only=True)
class Looks:
    """The sleep of what follows a certificate: each look is allowed one by one."""

    allowed: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    begun: int = 0

    async def sleep(self, _: float) -> None:
        self.begun += 1
        await self.allowed.acquire()

    async def one(self) -> None:
        """Until one more look has been taken."""
        before = self.begun
        self.allowed.release()
        await wait_until(lambda: self.begun > before, what="a look is over")


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    authority: Authority
    certificate: Path
    port: int
    looks: Looks

    def renew(self) -> None:
        self.certificate.unlink()
        self.authority.issue("server", file=self.certificate)

    async def presented(self) -> str:
        """The serial number of the certificate that a new connection is shown."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.authority.client_context())
        shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
        serial = (shown.getpeercert() or {})["serialNumber"]
        writer.close()
        return str(serial)


@asynccontextmanager
async def serving(directory: Path) -> AsyncIterator[Server]:
    authority = Authority(directory / "authority").make()
    certificate = authority.issue("server", file=directory / "server.pem")
    config = uvicorn.Config(Starlette(), ssl_certfile=certificate, log_config=None)
    config.load()
    looks = Looks()
    following = asyncio.create_task(follow_certificate(config, sleep=looks.sleep))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=config.ssl)
    await wait_until(lambda: looks.begun, what="it waits for the first look")
    port = server.sockets[0].getsockname()[1]
    try:
        yield Server(authority=authority, certificate=certificate, port=port, looks=looks)
    finally:
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        server.close()
        await server.wait_closed()


async def test_a_renewed_certificate_is_presented_to_new_connections(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        first = await server.presented()
        await server.looks.one()
        assert await server.presented() == first
        for _ in range(2):
            before = await server.presented()
            server.renew()
            assert await server.presented() == before, "nobody has looked yet"
            await server.looks.one()
            assert await server.presented() != before


@pytest.mark.parametrize(
    "content", ["", "no certificate", "half"], ids=["empty", "other text", "half written"]
)
async def test_what_cannot_be_used_is_told_once_and_the_one_of_before_is_presented(
    tmp_path: Path, content: str
) -> None:
    async with serving(tmp_path) as server:
        before = await server.presented()
        whole = server.certificate.read_text()
        server.certificate.write_text(whole[: len(whole) // 2] if content == "half" else content)
        with capture_logs() as logged:
            await server.looks.one()
            await server.looks.one()
        assert [each["event"] for each in logged] == ["certificate.unreadable"]
        assert await server.presented() == before
        server.renew()
        await server.looks.one()
        assert await server.presented() != before


async def test_a_key_that_does_not_fit_does_not_take_the_one_of_before_away(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        before = await server.presented()
        other = server.authority.issue("other").read_text()
        key, own = other.partition("-----BEGIN CERTIFICATE")[0], server.certificate.read_text()
        server.certificate.write_text(key + own[own.index("-----BEGIN CERTIFICATE") :])
        await server.looks.one()
        assert await server.presented() == before


async def test_a_file_that_is_gone_for_a_moment_is_no_harm(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        before = await server.presented()
        server.certificate.unlink()
        await server.looks.one()
        assert await server.presented() == before
        server.authority.issue("server", file=server.certificate)
        await server.looks.one()
        assert await server.presented() != before
