"""What the development issuer answers to requests that are none."""

import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import ThreadingHTTPServer

import pytest

from devservers.issuer import _Handler


@pytest.fixture
def address() -> Iterator[tuple[str, int]]:
    """Where it is served, without TLS."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"documents": {}}))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield ("127.0.0.1", server.server_port)
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("length", ["x", "-1", "1 2", "\u00b2", "1" * 5000])
def test_a_garbled_length_is_a_bad_request(
    address: tuple[str, int], length: str, capfd: pytest.CaptureFixture[str]
) -> None:
    connection = HTTPConnection(*address, timeout=30)
    connection.putrequest("POST", "/nowhere")
    connection.putheader("Content-Length", length.encode("latin-1"))
    connection.endheaders()
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (400, b'{"error": "invalid_request"}')
    connection.close()
    assert capfd.readouterr().err == ""
