"""How a client of Kafka gets the tokens that it logs in with by OAUTHBEARER: the client credentials grant (RFC 6749, 4.4)."""

import asyncio
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from math import isnan

import httpx
from aiokafka import conn
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaConnectionError, SaslAuthenticationFailed

PATIENCE_S = 10.0
LIFE_S = 300.0  # of a token whose issuer does not say how long it is good
USED_FOR = 0.8  # of its life a token is used, as Kafka's own clients do


class TokenUnavailableError(KafkaConnectionError):  # type: ignore[misc]  # aiokafka is untyped
    """The endpoint gives no token; the message holds nothing of the credentials. A client tries again."""


@dataclass(slots=True, kw_only=True)
class ClientCredentials(AbstractTokenProvider):  # type: ignore[misc]  # aiokafka is untyped
    """Gives tokens of `endpoint`; one is used by all who ask, until most of its life is over.

    `login` gives the client's id and secret, and is asked each time. `further` are what RFC 7628 calls extensions: what the
    brokers are told beside the token.
    """

    endpoint: str
    login: Callable[[], tuple[str, str]] = field(repr=False)
    scope: str | None = None
    verify: ssl.SSLContext | bool = True
    further: Mapping[str, str] = field(default_factory=dict)
    transport: httpx.AsyncBaseTransport | None = field(default=None, repr=False)
    clock: Callable[[], float] = time.monotonic
    _token: str = field(default="", repr=False)
    _fresh_until: float = float("-inf")
    _asking: asyncio.Lock = field(default_factory=asyncio.Lock, repr=False)

    def __post_init__(self) -> None:
        """Have aiokafka notice when a broker does not take a token."""
        conn.OAuthAuthenticator = _Authenticator

    async def token(self) -> str:
        """An access token. Raises `TokenUnavailableError`."""
        async with self._asking:
            if self.clock() >= self._fresh_until:
                asked_at = self.clock()
                self._token, life_s = await self._ask()
                self._fresh_until = asked_at + USED_FOR * life_s
            return self._token

    def forget(self) -> None:
        """A broker has refused the token: the next one is asked for anew."""
        self._fresh_until = float("-inf")

    def extensions(self) -> dict[str, str]:
        """What goes with each token."""
        return dict(self.further)

    async def _ask(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials"} | ({"scope": self.scope} if self.scope else {})
        try:
            async with httpx.AsyncClient(
                timeout=PATIENCE_S, trust_env=False, verify=self.verify, transport=self.transport
            ) as client:
                answer = await client.post(self.endpoint, data=form, auth=self.login())
            if answer.status_code != HTTPStatus.OK:
                raise TokenUnavailableError(f"{self.endpoint} refuses: {_reason(answer)}")
            told = answer.json()
            token, life_s = told["access_token"], float(told.get("expires_in") or LIFE_S)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise TokenUnavailableError(f"{self.endpoint} does not answer: {error!r}") from error
        except (ValueError, LookupError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise TokenUnavailableError(f"{self.endpoint} gives no token") from error
        if not isinstance(token, str) or not token.isascii() or not token.isprintable() or isnan(life_s):
            raise TokenUnavailableError(f"{self.endpoint} gives no token")
        return token, life_s


class _Authenticator(conn.OAuthAuthenticator):  # type: ignore[misc]  # aiokafka is untyped
    """A refusal comes as a last word of the server's (RFC 7628, 3.2.2), which aiokafka takes for a success."""

    async def step(self, payload: bytes | None) -> tuple[bytes, bool] | None:
        if payload:
            provider = self._sasl_oauth_token_provider
            if isinstance(provider, ClientCredentials):
                provider.forget()
            raise SaslAuthenticationFailed(
                f"the broker refuses the token: {payload[:200].decode(errors='replace')}"
            )
        said: tuple[bytes, bool] | None = await super().step(payload)
        return said


def _reason(answer: httpx.Response) -> str:
    """OAuth's own code of the error where the answer holds one."""
    try:
        said = str(answer.json()["error"])[:100]
    except (ValueError, LookupError, TypeError, RecursionError):
        said = ""
    return f"{answer.status_code} {said}".rstrip()
