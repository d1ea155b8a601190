"""Tokens for OAUTHBEARER: asked for once while they last, and no secret in what is said when there is none."""

import asyncio
import base64
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest
from aiokafka import conn
from aiokafka.abc import AbstractTokenProvider
from aiokafka.errors import KafkaError, SaslAuthenticationFailed

from order_service.client_credentials import ClientCredentials, TokenUnavailableError

URL = "https://issuer.example/token"
SECRET = "the secret of the client"  # noqa: S105 - no real one
GOOD = {"access_token": "a.b.c", "expires_in": 100}


class Endpoint:
    """Answers with the next of `answers`, the last one for ever."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)
        self.asked: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def provider(
    endpoint: Endpoint, *, clock: Callable[[], float] = lambda: 0.0, scope: str | None = None
) -> ClientCredentials:
    return ClientCredentials(
        endpoint=URL,
        login=lambda: ("me", SECRET),
        scope=scope,
        clock=clock,
        transport=httpx.MockTransport(endpoint),
    )


async def test_a_client_asks_with_its_id_its_secret_and_its_scope() -> None:
    endpoint = Endpoint(httpx.Response(200, json=GOOD))
    tokens = provider(endpoint, scope="kafka more")
    assert isinstance(tokens, AbstractTokenProvider), "aiokafka takes nothing else"
    assert await tokens.token() == "a.b.c"
    [request] = endpoint.asked
    login = base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert request.headers["authorization"] == f"Basic {login}"
    assert parse_qs(request.content.decode()) == {
        "grant_type": ["client_credentials"],
        "scope": ["kafka more"],
    }


async def test_a_token_is_used_for_most_of_its_life_and_by_all_who_ask() -> None:
    now = 0.0
    endpoint = Endpoint(
        httpx.Response(200, json=GOOD), httpx.Response(200, json=GOOD | {"access_token": "d"})
    )
    tokens = provider(endpoint, clock=lambda: now)
    assert set(await asyncio.gather(*(tokens.token() for _ in range(5)))) == {"a.b.c"}
    now = 79.0
    assert await tokens.token() == "a.b.c"
    assert len(endpoint.asked) == 1
    now = 80.0
    assert await tokens.token() == "d"


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (httpx.Response(401, json={"error": "invalid_client"}), "401 invalid_client"),
        (httpx.Response(400, text="no JSON"), "400"),
        (httpx.Response(302, headers={"location": "https://elsewhere.example"}), "302"),
        (httpx.Response(200, json=[]), "no token"),
        (httpx.Response(200, text="no JSON"), "no token"),
        (httpx.Response(200, json={"access_token": 7}), "no token"),
        (httpx.Response(200, json={"access_token": "a\x01auth=Bearer b"}), "no token"),
        (httpx.Response(200, json=GOOD | {"expires_in": "soon"}), "no token"),
        (httpx.Response(200, text='{"access_token":"a","expires_in":1' + "0" * 400 + "}"), "no token"),
        (httpx.Response(200, text='{"access_token":"a","expires_in":NaN}'), "no token"),
        (httpx.Response(200, text="[" * 100_000), "no token"),
        (httpx.Response(400, text="[" * 100_000), "400"),
        (httpx.ConnectError("away"), "does not answer"),
    ],
    ids=lambda value: str(value)[:40],
)
async def test_without_a_token_a_client_tries_again_and_says_why(
    answer: httpx.Response | Exception, said: str
) -> None:
    endpoint = Endpoint(answer, httpx.Response(200, json=GOOD))
    tokens = provider(endpoint)
    with pytest.raises(TokenUnavailableError, match=said) as refused:
        await tokens.token()
    assert isinstance(refused.value, KafkaError), "what a client of Kafka expects of a connection"
    assert refused.value.retriable
    assert SECRET not in str(refused.value) + repr(tokens)
    assert await tokens.token() == "a.b.c"


async def test_a_token_that_a_broker_refuses_is_not_used_again() -> None:
    endpoint = Endpoint(
        httpx.Response(200, json=GOOD), httpx.Response(200, json=GOOD | {"access_token": "d"})
    )
    tokens = provider(endpoint)
    authenticator = conn.OAuthAuthenticator(sasl_oauth_token_provider=tokens)
    sent, _ = await authenticator.step(None)
    assert b"auth=Bearer a.b.c" in sent
    assert await authenticator.step(b"") is None, "a server that takes it says nothing more"
    with pytest.raises(SaslAuthenticationFailed, match="invalid_token"):
        await authenticator.step(b'{"status":"invalid_token"}')
    assert await tokens.token() == "d"
