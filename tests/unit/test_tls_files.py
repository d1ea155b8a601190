"""Certificates that are renewed in their files count for new connections, on either side; what cannot be used does not."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette
from structlog.testing import capture_logs

from devservers.certificates import Authority
from order_service.tls_files import client_context, serve_from_files
from sink_connector.config.rest_security import RestSecurity
from sink_connector.key_stores import KeyStore
from sink_connector.runtime.kafka_options import consumer_options


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Presents what is in `certificate`, and asks clients for one that somebody in `trusted` vouches for."""

    authority: Authority
    certificate: Path
    trusted: Path
    port: int

    def renew(self) -> None:
        self.certificate.unlink()
        self.authority.issue("server", file=self.certificate)

    async def connects(self, context: ssl.SSLContext) -> dict[str, str]:
        """The serial numbers that both sides are shown on a new connection. Raises `OSError` when either refuses."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=context)
        with contextlib.closing(writer):
            shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
            seen = (await reader.readline()).decode()  # a client is refused after its handshake is over
            return {"server": str((shown.getpeercert() or {})["serialNumber"]), "client": seen}

    async def presented(self) -> str:
        """The serial number of the certificate that a new connection is shown."""
        own = self.authority.issue("a client", file=self.authority.directory / "client-of-the-test.pem")
        return (await self.connects(self.authority.client_context(certificate=own)))["server"]


async def tell_whose(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    shown: ssl.SSLObject = writer.get_extra_info("ssl_object")
    writer.write((shown.getpeercert() or {})["serialNumber"].encode())  # type: ignore[union-attr]
    writer.close()


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    authority = Authority(tmp_path / "authority").make()
    certificate = authority.issue("server", file=tmp_path / "server.pem")
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(authority.certificate.read_bytes())
    config = uvicorn.Config(
        Starlette(),
        ssl_certfile=certificate,
        ssl_ca_certs=str(trusted),
        ssl_cert_reqs=ssl.CERT_REQUIRED,
        log_config=None,
    )
    serve_from_files(config)
    listening = await asyncio.start_server(tell_whose, "127.0.0.1", 0, ssl=config.ssl)
    port = listening.sockets[0].getsockname()[1]
    yield Server(authority=authority, certificate=certificate, trusted=trusted, port=port)
    listening.close()
    await listening.wait_closed()


@asynccontextmanager
async def still_presents_the_same(server: Server) -> AsyncIterator[None]:
    before = await server.presented()
    yield
    assert await server.presented() == before


async def test_a_renewed_certificate_is_presented_to_new_connections(server: Server) -> None:
    for _ in range(2):
        async with still_presents_the_same(server):
            pass
        before = await server.presented()
        server.renew()
        assert await server.presented() != before


@pytest.mark.parametrize(
    "content", ["", "no certificate", "half"], ids=["empty", "other text", "half written"]
)
async def test_what_cannot_be_used_is_told_once_and_the_one_of_before_is_presented(
    server: Server, content: str
) -> None:
    whole = server.certificate.read_text()
    async with still_presents_the_same(server):
        before = await server.presented()
        server.certificate.write_text(whole[: len(whole) // 2] if content == "half" else content)
        with capture_logs() as logged:
            assert {await server.presented(), await server.presented()} == {before}
    assert [each["event"] for each in logged] == ["certificate.unreadable"]
    server.renew()
    assert await server.presented() != before


async def test_a_key_that_does_not_fit_does_not_take_the_one_of_before_away(server: Server) -> None:
    async with still_presents_the_same(server):
        other = server.authority.issue("other").read_text()
        key, own = other.partition("-----BEGIN CERTIFICATE")[0], server.certificate.read_text()
        server.certificate.write_text(key + own[own.index("-----BEGIN CERTIFICATE") :])


async def test_a_file_that_is_gone_for_a_moment_is_no_harm(server: Server) -> None:
    before = await server.presented()
    async with still_presents_the_same(server):
        server.certificate.unlink()
    server.authority.issue("server", file=server.certificate)
    assert await server.presented() != before


def of_a_service(cafile: Path, certificate: Path) -> ssl.SSLContext:
    return client_context(cafile, certificate)


def of_a_worker_among_others(cafile: Path, certificate: Path) -> ssl.SSLContext:
    context = RestSecurity(own=KeyStore(file=certificate), truststore=KeyStore(file=cafile)).client_context()
    assert isinstance(context, ssl.SSLContext)
    return context


def of_a_worker_at_the_brokers(cafile: Path, certificate: Path) -> ssl.SSLContext:
    overrides = {
        "security.protocol": "SSL",
        "ssl.truststore.location": str(cafile),
        "ssl.keystore.location": str(certificate),
    }
    context: ssl.SSLContext = consumer_options(overrides, bootstrap_servers="k:1", group_id="g")[
        "ssl_context"
    ]
    return context


clients = pytest.mark.parametrize(
    "client", [of_a_service, of_a_worker_among_others, of_a_worker_at_the_brokers]
)
MakeClient = Callable[[Path, Path], ssl.SSLContext]


@clients
async def test_a_client_shows_its_renewed_certificate(
    server: Server, tmp_path: Path, client: MakeClient
) -> None:
    own = server.authority.issue("client", file=tmp_path / "client.pem")
    context = client(server.authority.certificate, own)
    first = await server.connects(context)
    assert await server.connects(context) == first
    own.unlink()
    server.authority.issue("client", file=own)
    assert (await server.connects(context))["client"] not in {"", first["client"]}


@clients
async def test_whom_both_sides_trust_may_change_as_well(
    server: Server, tmp_path: Path, client: MakeClient
) -> None:
    other = Authority(tmp_path / "other").make()
    cafile = tmp_path / "ca.pem"
    cafile.write_bytes(server.authority.certificate.read_bytes())
    of_first, of_other = server.authority.issue("client"), other.issue("client")
    own = tmp_path / "client.pem"
    own.write_bytes(of_first.read_bytes())
    context = client(cafile, own)
    await server.connects(context)

    own.write_bytes(of_other.read_bytes())
    assert await refused(server, context), "the server does not trust the other authority yet"
    server.trusted.write_bytes(other.certificate.read_bytes())
    await server.connects(context)
    own.write_bytes(of_first.read_bytes())
    assert await refused(server, context), "it trusts the first one no more"

    own.write_bytes(of_other.read_bytes())
    server.certificate.write_bytes(other.issue("server").read_bytes())
    with pytest.raises(ssl.SSLCertVerificationError):
        await server.connects(context)
    cafile.write_bytes(other.certificate.read_bytes())
    await server.connects(context)


async def refused(server: Server, context: ssl.SSLContext) -> bool:
    try:
        return not (await server.connects(context))["client"]
    except OSError:
        return True
