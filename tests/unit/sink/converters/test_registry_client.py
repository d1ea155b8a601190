"""What a registry may answer over HTTP, and the decision each answer leads to."""

import asyncio
import base64
import json
import shutil
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import certifi
import pytest

from sink_connector.converters.registry.client import RegistrySource, UnreachableRegistryError, make_source
from sink_connector.errors import FatalError
from sink_connector.key_stores import KeyStore

STORES = Path(__file__).parents[1] / "key_stores"
PASSWORD = "changeit"  # noqa: S105 - of files that anybody may read


class Server(ThreadingHTTPServer):
    """Lets as many wait for it as ask at once: who finds no place tries again after a second."""

    request_queue_size = 32


@contextmanager
def answering(
    status: int, *bodies: str, tls: ssl.SSLContext | None = None, **headers: str
) -> Iterator[tuple[str, list[dict[str, str]]]]:
    """A server that gives these answers one after the other, the last one for ever, and the headers and the path it was asked with."""
    asked: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = bodies[min(len(asked), len(bodies) - 1)]
            asked.append({"path": self.path, **{name.lower(): value for name, value in self.headers.items()}})
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
            """Quiet."""

    server = Server(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"http{'s' if tls else ''}://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "raised"),
    [(404, LookupError), (401, FatalError), (403, FatalError), (429, UnreachableRegistryError), (500, UnreachableRegistryError), (503, UnreachableRegistryError)],
)  # fmt: skip
async def test_each_status_leads_to_its_decision(status: int, raised: type[Exception]) -> None:
    with (
        answering(status, '{"error_code": 1, "message": "no"}') as (url, _),
        pytest.raises(raised, match="registry"),
    ):
        await make_source({"schema.registry.url": url}).schema(7)


@pytest.mark.parametrize(
    ("status", "body"),
    [(404, "<html>no such page</html>"), (404, "{}"), (200, "<html>log in</html>"), (200, ""), (200, "{}"), (200, "[]"), (200, "null"), (502, "")],
)  # fmt: skip
async def test_what_is_no_answer_of_a_registry_is_an_outage(status: int, body: str) -> None:
    with answering(status, body) as (url, _), pytest.raises(UnreachableRegistryError, match="registry"):
        await make_source({"schema.registry.url": url}).schema(7)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_registry_that_has_moved_is_followed(status: int) -> None:
    with (
        answering(200, '{"schema": "\\"string\\""}') as (there, asked),
        answering(status, "", location=f"{there}/moved/schemas/ids/7") as (url, _),
    ):
        assert (await make_source({"schema.registry.url": url}).schema(7)).text == '"string"'
    assert asked[0]["path"].startswith("/moved/schemas/ids/7")


async def test_registries_that_send_each_other_round_are_an_outage() -> None:
    with answering(302, "", location="/") as (url, _), pytest.raises(UnreachableRegistryError):
        await make_source({"schema.registry.url": url}).schema(7)


async def test_what_a_schema_refers_to_may_have_been_deleted_since() -> None:
    body = {
        "schema": '"string"',
        "references": [{"name": "r", "subject": "s", "version": 1}],
        "subject": "s",
        "version": 1,
        "id": 1,
    }
    answers = json.dumps(body), json.dumps({**body, "references": []})
    with answering(200, *answers) as (url, asked):
        found = await make_source({"schema.registry.url": url}).schema(7)
    assert found.references == (("r", '"string"'),)
    assert "deleted=true" in asked[1]["path"].lower()


async def test_nobody_listening_is_an_outage() -> None:
    with answering(200, "") as (url, _):
        pass
    with pytest.raises(UnreachableRegistryError, match="did not answer"):
        await make_source({"schema.registry.url": url}).schema(7)


@pytest.mark.parametrize("prefix", ["", "schema.registry."])
async def test_basic_credentials_are_sent_by_either_of_their_names(prefix: str) -> None:
    options = {
        f"{prefix}basic.auth.credentials.source": "USER_INFO",
        f"{prefix}basic.auth.user.info": "user:secret",
    }
    with answering(200, '{"schema": "\\"string\\""}') as (url, asked):
        found = await make_source({"schema.registry.url": url, **options}).schema(7)
    assert (found.kind, found.text) == ("AVRO", '"string"')
    assert asked[0]["authorization"] == f"Basic {base64.b64encode(b'user:secret').decode()}"


async def test_requests_at_the_same_time_share_one_client_which_is_closed_after_the_last() -> None:
    with answering(200, '{"schema": "\\"string\\""}') as (url, asked):
        source = make_source({"schema.registry.url": url})
        found = await asyncio.gather(*(source.schema(number) for number in range(20)))
        assert {each.text for each in found} == {'"string"'}
        assert len(asked) == 20
        assert source._client is None  # noqa: SLF001 - whether it was closed cannot be seen from outside
        await source.schema(1)


@pytest.mark.parametrize("store", ["truststore", "keystore"])
@pytest.mark.parametrize(("kind", "said"), [("JKS", "cannot be read"), ("PEM", "schema.registry")])
def test_certificates_that_cannot_be_read_are_refused_and_not_left_out(
    tmp_path: Path, store: str, kind: str, said: str
) -> None:
    (tmp_path / "store").write_bytes(b"\xfe\xed\xfe\xed")
    prefix = f"schema.registry.ssl.{store}"
    options = {f"{prefix}.location": str(tmp_path / "store"), f"{prefix}.type": kind}
    with pytest.raises(ValueError, match=said):
        make_source({"schema.registry.url": "https://registry", **options})


def test_an_authority_is_named_as_for_a_jvm_converter() -> None:
    options = {
        "schema.registry.ssl.truststore.location": certifi.where(),
        "schema.registry.ssl.truststore.type": "PEM",
    }
    assert isinstance(make_source({"schema.registry.url": "https://registry", **options}), RegistrySource)


async def test_whom_a_java_store_trusts_is_read_again_when_it_is_renewed(tmp_path: Path) -> None:
    own = KeyStore(file=STORES / "own.p12", password=PASSWORD)
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(own.pem(), password=PASSWORD)
    trusted = tmp_path / "trusted"
    shutil.copy(STORES / "trusted.jks", trusted)
    with answering(200, '{"schema": "\\"string\\""}', tls=shown) as (url, _):
        source = make_source(
            {
                "schema.registry.url": url,
                "schema.registry.ssl.truststore.location": str(trusted),
                "schema.registry.ssl.truststore.password": PASSWORD,
            }
        )
        for unusable in (None, (STORES / "trusted.p12").read_bytes()[:500]):
            if unusable is not None:
                trusted.write_bytes(unusable)
            with pytest.raises(UnreachableRegistryError):
                await source.schema(7)
        shutil.copy(STORES / "trusted.p12", trusted)
        assert (await source.schema(7)).text == '"string"'
