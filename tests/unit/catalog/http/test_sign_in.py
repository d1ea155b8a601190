"""What the issuer answers when somebody signs in may be anything: it is said of it, and no defect."""

from typing import Any

import httpx
import pytest
from starlette.requests import Request

from catalog_service.http.authentication import TokenVerifier
from catalog_service.http.problems import ProblemError
from catalog_service.http.sign_in import PENDING, SignIn, SignInClient

ISSUER = "https://issuer.example"
DESCRIBED = {
    "issuer": ISSUER,
    "jwks_uri": f"{ISSUER}/keys",
    "authorization_endpoint": f"{ISSUER}/authorize",
    "token_endpoint": f"{ISSUER}/token",
}
DEEP = b"[" * 100_000


def sign_in(described: Any = DESCRIBED, *, status: int = 200, token: bytes = b"{}") -> SignIn:
    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/.well-known/"):
            if isinstance(described, bytes):
                return httpx.Response(200, content=described)
            return httpx.Response(200, json=described)
        return httpx.Response(status, content=token)

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return SignIn(
        client=SignInClient(
            client_id="page", client_secret=None, scope="openid", redirect_url=f"{ISSUER}/back"
        ),
        verifier=TokenVerifier(issuer=ISSUER, audience="shop", client=http),
        http=http,
    )


def returned(query: str = "state=s&code=c") -> Request:
    headers = [(b"cookie", f"{PENDING}=s.verifier".encode()), (b"host", b"localhost")]
    return Request(
        {"type": "http", "method": "GET", "path": "/", "query_string": query.encode(), "headers": headers}
    )


@pytest.mark.parametrize(
    ("status", "token"),
    [
        (200, DEEP),
        (400, DEEP),
        (200, b'{"access_token":"a","expires_in":Infinity}'),
        (200, b'{"access_token":"a","expires_in":1e400}'),
        (200, b'{"access_token":"a","expires_in":"soon"}'),
        (200, b'{"access_token":{},"expires_in":[]}'),
        (200, b'{"access_token":"\\ud800"}'),
        (200, b"[]"),
        (400, b'{"error":{}}'),
        (400, b'{"error":"\\ud800"}'),
        (400, b"[]"),
        (500, b""),
    ],
)
async def test_a_token_s_answer_of_any_form_is_a_problem(status: int, token: bytes) -> None:
    with pytest.raises(ProblemError) as raised:
        await sign_in(status=status, token=token).finish(returned())
    assert raised.value.status in {400, 502}
    str(raised.value.detail).encode()


@pytest.mark.parametrize(
    "described", [DEEP, b"[]", DESCRIBED | {"authorization_endpoint": 7, "token_endpoint": 7}]
)
async def test_an_issuer_that_describes_itself_otherwise_is_a_problem(described: Any) -> None:
    for going in (sign_in(described).begin, sign_in(described).finish):
        with pytest.raises(ProblemError) as raised:
            await going(returned())
        assert raised.value.status == 502
