"""An issuer of tokens within the process, for what verifies them."""

import asyncio
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import Any

import httpx
from joserfc import jwk, jws, jwt

from order_service.entrypoints.http.authentication import TokenVerifier

ISSUER = "https://issuer.example"
NOW = 1_700_000_000.0


class Issuer:
    """An issuer's published documents, and the tokens that it signs."""

    def __init__(self) -> None:
        self.key = jwk.ECKey.generate_key("P-256", {"kid": "first", "use": "sig", "alg": "ES256"})
        self.asked = 0
        self.requests = 0
        self.is_up = True
        self.others: list[Any] = []
        """What it publishes beside its key."""
        self.answers = asyncio.Event()
        self.answers.set()

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests += 1
        await self.answers.wait()
        if not self.is_up:
            raise httpx.ConnectError("away")
        if request.url.path == "/.well-known/openid-configuration":
            return httpx.Response(200, json={"issuer": ISSUER, "jwks_uri": f"{ISSUER}/keys"})
        self.asked += 1
        return httpx.Response(200, json={"keys": [*self.others, self.key.as_dict(private=False)]})

    def token(self, *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        given = {"iss": ISSUER, "aud": "shop", "sub": "ada", "exp": NOW + 60, **claims}
        return jwt.encode(
            {"alg": "ES256", "kid": "first"} | (header or {}),
            {name: value for name, value in given.items() if value is not None},
            key or self.key,
            registry=jws.JWSRegistry(algorithms=["ES256", "HS256", "none"], strict_check_header=False),
        )

    def signed(self, head: str, body: str) -> str:
        """A token of just these texts, with a good signature."""
        segments = b".".join(urlsafe_b64encode(text.encode()).rstrip(b"=") for text in (head, body))
        seal = jws.JWSRegistry.algorithms["ES256"].sign(segments, self.key)
        return f"{segments.decode()}.{urlsafe_b64encode(seal).decode().rstrip('=')}"


def verifier_of(issuer: Issuer, *, clock: Callable[[], float] = lambda: NOW) -> TokenVerifier:
    client = httpx.AsyncClient(transport=httpx.MockTransport(issuer.answer))
    return TokenVerifier(issuer=ISSUER, audience="shop", client=client, clock=clock, leeway_s=5)
