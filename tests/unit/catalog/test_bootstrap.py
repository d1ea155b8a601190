"""What the service asks others with."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from pydantic import SecretStr

from catalog_service.bootstrap import http_client
from catalog_service.settings import Settings


@pytest.fixture
def cookies_of_requests() -> Iterator[tuple[str, list[str | None]]]:
    """An address whose every answer sets a cookie, and the cookies that came with its requests."""
    seen: list[str | None] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers.get("Cookie"))
            self.send_response(200)
            self.send_header("Set-Cookie", "session=ada; Path=/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()


async def test_what_was_answered_to_one_visitor_does_not_go_along_with_the_next(
    cookies_of_requests: tuple[str, list[str | None]],
) -> None:
    url, seen = cookies_of_requests
    settings = Settings(
        database_url=SecretStr("postgresql://nobody@127.0.0.1:1/none"), kafka_bootstrap="127.0.0.1:1"
    )
    async with http_client(settings) as http:
        await http.get(url)
        await http.get(url)
    assert seen == [None, None]
