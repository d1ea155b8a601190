"""Signing in at an issuer that does not answer as it should: the visitor is told so, and nobody gets a session."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from fastapi import FastAPI

from catalog_service.http.authentication import TokenVerifier
from catalog_service.http.problems import install_problems
from catalog_service.http.sign_in import SignIn, SignInClient, session_routes

CATALOG = "https://catalog.example"


@dataclass(slots=True)
class Issuer:
    """What each path is answered with: a status and a body; 404 for the others."""

    url: str
    answers: dict[str, tuple[int, bytes]]

    def describe(self, **more: str) -> None:
        described = {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        self.answers["/.well-known/openid-configuration"] = (200, json.dumps(described | more).encode())


@pytest.fixture
def issuer() -> Iterator[Issuer]:
    answers: dict[str, tuple[int, bytes]] = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body = answers.get(self.path, (404, b""))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made = Issuer(f"http://127.0.0.1:{server.server_port}", answers)
        made.describe()
        yield made
        server.shutdown()


def browser_at(issuer: Issuer) -> httpx.AsyncClient:
    http = httpx.AsyncClient(trust_env=False)
    verifier = TokenVerifier(issuer=issuer.url, audience="shop", client=http)
    sign_in = SignIn(client=SignInClient(client_id="page"), verifier=verifier, http=http)
    app = FastAPI()
    app.include_router(session_routes(verifier, sign_in))
    install_problems(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=CATALOG)


async def sent_back(browser: httpx.AsyncClient, **query: str) -> httpx.Response:
    login = (await browser.get("/session/new")).headers["location"]
    [state] = parse_qs(urlsplit(login).query)["state"]
    return await browser.get("/session/callback", params={"state": state, "code": "c"} | query)


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"{}"),
        (200, b"[]"),
        (200, b"no JSON"),
        (500, b"no JSON"),
        (200, b'{"access_token":"x","expires_in":"soon"}'),
        (200, b'{"access_token":"x","expires_in":null}'),
        (200, b'{"access_token":7}'),
        (400, b'{"error":"invalid_grant"}'),
        (400, b"{}"),
        (302, b""),
    ],
    ids=str,
)
async def test_whatever_it_gives_for_a_code_is_a_refusal_and_no_defect(
    issuer: Issuer, answer: tuple[int, bytes]
) -> None:
    issuer.answers["/token"] = answer  # and its keys are not to be had
    async with browser_at(issuer) as browser:
        refused = await sent_back(browser)
        assert refused.status_code in {400, 502}, refused.text
        assert refused.json()["type"] == "/problems/sign-in-failed"
        assert "__Host-token" not in browser.cookies


async def test_it_may_say_no(issuer: Issuer) -> None:
    async with browser_at(issuer) as browser:
        refused = await sent_back(browser, error="access_denied")
        assert refused.status_code == 400
        assert "access_denied" in refused.json()["detail"]


@pytest.mark.parametrize(
    "query",
    [
        {},
        {"state": "\u00e9", "code": "c"},
        {"state": "", "code": "c"},
        {"state": "x" * 5000},
        {"code": "\u00e9"},
    ],
    ids=str,
)
async def test_who_comes_back_with_something_else_is_told_so(issuer: Issuer, query: dict[str, str]) -> None:
    async with browser_at(issuer) as browser:
        await browser.get("/session/new")
        refused = await browser.get("/session/callback", params=query)
        assert (refused.status_code, refused.json()["type"]) == (400, "/problems/sign-in-failed")


async def test_who_comes_back_without_a_code_is_told_so(issuer: Issuer) -> None:
    async with browser_at(issuer) as browser:
        assert (await sent_back(browser, code="")).status_code == 400


@pytest.mark.parametrize("address", ["http://[", "mailto:x", "", "http://127.0.0.1:1/token"])
async def test_an_address_that_is_none_is_a_refusal_too(issuer: Issuer, address: str) -> None:
    issuer.describe(token_endpoint=address)
    async with browser_at(issuer) as browser:
        assert (await sent_back(browser)).status_code == 502


async def test_another_issuer_under_its_address_is_none(issuer: Issuer) -> None:
    issuer.describe(issuer="https://elsewhere.example")
    async with browser_at(issuer) as browser:
        assert (await browser.get("/session/new")).status_code == 502
