"""The issuer's keys: which of them vouch, how often they are asked for, and what serves while nobody answers. In both services."""

import asyncio

import httpx
import pytest
from joserfc import jwk

from order_service.entrypoints.http import authentication as of_order
from tests.support.token_issuer import NOW, Issuer, verifier_of


async def test_keys_that_are_not_known_here_do_not_take_the_others_away(issuer: Issuer) -> None:
    issuer.others = [
        {"kty": "AKP", "alg": "ML-DSA-44", "kid": "post-quantum", "pub": "AAAA"},
        {"kty": "EC", "crv": "P-999", "kid": "a curve", "x": "AAAA", "y": "AAAA"},
        {"kty": "OKP", "crv": "X-1", "kid": "another", "x": "AAAA"},
        {"kty": "RSA", "kid": "half"},
        {"kty": "RSA", "kid": "odd", "n": "AQAB", "e": "AQAB", "use": "a use of its own"},
        {"kid": "of no kind"},
        {"kty": ["EC"]},
        "no key",
        None,
    ]
    assert (await verifier_of(issuer).verify(issuer.token())).subject == "ada"


@pytest.mark.parametrize("path", ["/.well-known/openid-configuration", "/keys"])
async def test_an_issuer_whose_answer_is_nested_too_deeply_is_one_that_does_not_answer(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    honest = issuer.answer

    async def answer(request: httpx.Request) -> httpx.Response:
        return (
            httpx.Response(200, content=b"[" * 100_000) if request.url.path == path else await honest(request)
        )

    monkeypatch.setattr(issuer, "answer", answer)
    with pytest.raises(of_order.KeysUnavailableError):
        await verifier_of(issuer).verify(issuer.token())


async def test_a_key_for_something_else_than_signatures_vouches_for_nobody(issuer: Issuer) -> None:
    other = jwk.ECKey.generate_key("P-256", {"kid": "other", "use": "enc"})
    issuer.others = [other.as_dict(private=False)]
    signing = jwk.ECKey.import_key(other.as_dict(private=True) | {"use": "sig"})
    with pytest.raises(of_order.InvalidTokenError):
        await verifier_of(issuer).verify(issuer.token(header={"kid": "other"}, key=signing))


async def test_a_remembered_token_ends_as_well(issuer: Issuer) -> None:
    now = NOW
    verifier = verifier_of(issuer, clock=lambda: now)
    token = issuer.token()
    await verifier.verify(token)
    now += 64
    await verifier.verify(token)
    now += 2
    with pytest.raises(of_order.InvalidTokenError):
        await verifier.verify(token)


async def test_a_new_key_of_the_issuer_is_asked_for_once(issuer: Issuer) -> None:
    now = NOW
    verifier = verifier_of(issuer, clock=lambda: now)
    await verifier.verify(issuer.token())
    now += 10
    issuer.key = jwk.ECKey.generate_key("P-256", {"kid": "second", "use": "sig", "alg": "ES256"})
    await verifier.verify(issuer.token(header={"kid": "second"}))
    assert issuer.asked == 2
    for _ in range(3):
        with pytest.raises(of_order.InvalidTokenError):
            await verifier.verify(issuer.token(header={"kid": "of nobody"}))
    assert issuer.asked == 2


async def test_the_keys_of_before_serve_while_the_issuer_is_away(issuer: Issuer) -> None:
    now = NOW
    verifier = verifier_of(issuer, clock=lambda: now)
    await verifier.verify(issuer.token())
    issuer.is_up = False
    now += of_order.KEYS_LAST_S + 1
    assert (await verifier.verify(issuer.token(exp=now + 60))).subject == "ada"


async def test_an_issuer_that_does_not_answer_holds_up_nobody_whose_key_is_known(
    issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(of_order, "PATIENCE_S", 0.01)
    now = NOW
    verifier = verifier_of(issuer, clock=lambda: now)
    token = issuer.token(exp=now + 10_000)
    await verifier.verify(token)
    issuer.answers.clear()
    now += of_order.KEYS_LAST_S + 1
    async with asyncio.timeout(60):
        for each in (token, issuer.token(exp=now + 60), token):
            assert (await verifier.verify(each)).subject == "ada"
    issuer.key = jwk.ECKey.generate_key("P-256", {"kid": "second"})
    issuer.answers.set()
    with pytest.raises(of_order.InvalidTokenError):  # its keys are others by now
        await verifier.verify(token)


async def test_an_issuer_that_is_away_is_not_asked_for_every_unknown_key(issuer: Issuer) -> None:
    now = NOW
    verifier = verifier_of(issuer, clock=lambda: now)
    await verifier.verify(issuer.token())
    issuer.is_up = False
    now += of_order.ASK_AGAIN_S
    before = issuer.requests
    for _ in range(3):
        with pytest.raises(of_order.InvalidTokenError):
            await verifier.verify(issuer.token(header={"kid": "of nobody"}))
    assert issuer.requests == before + 1


async def test_without_any_keys_nobody_is_believed(issuer: Issuer) -> None:
    issuer.is_up = False
    with pytest.raises(of_order.KeysUnavailableError):
        await verifier_of(issuer).verify(issuer.token())


async def test_an_issuer_that_is_away_is_not_asked_for_every_request(issuer: Issuer) -> None:
    now = NOW
    verifier = verifier_of(issuer, clock=lambda: now)
    issuer.is_up = False
    for _ in range(5):
        with pytest.raises(of_order.KeysUnavailableError):
            await verifier.verify(issuer.token())
    assert issuer.requests == 1
    issuer.is_up = True
    now += of_order.ASK_AGAIN_S
    assert (await verifier.verify(issuer.token())).subject == "ada"
