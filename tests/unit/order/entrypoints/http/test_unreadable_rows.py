"""A row that a hand has spoilt, as HTTP shows it: the right refusal, of that row alone, and nothing of what it holds."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from order_service.domain.errors import ForeignOfferError, UnreadableStateError
from order_service.domain.product import Offer
from order_service.entrypoints.http.authentication import CALLER, STAFF, Caller
from order_service.entrypoints.http.claims import NameRegistryClient
from order_service.service_layer.use_cases.refresh_offer import RefreshOffer
from order_service.service_layer.use_cases.reserve_name import ReserveName
from tests.support import order_database
from tests.support.order_api import Api, order_api

SECRET = "one that the instances share"  # noqa: S105 - of this test
URLS = {"order-1": "http://127.0.0.1:1", "order-2": "http://127.0.0.1:1"}
BASKET = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}
PRIVATE = "what nobody else may read"


async def spoil(api: Api, statement: str, **parameters: Any) -> None:
    await order_database.execute(api.settings.database_url, statement, parameters)


@contextlib.asynccontextmanager
async def asking(api: Api, caller: Caller) -> AsyncIterator[httpx.AsyncClient]:
    """With that caller's token, as the middleware leaves it."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await api.service.app(scope | {CALLER: caller}, receive, send)

    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://order-1") as http:
        yield http


@pytest.mark.parametrize(
    ("change", "is_whose_known"),
    [
        ("status = :private", True),
        ("lines = :private", True),
        ("version = :private", True),
        ("user_id = CAST(:private AS BLOB)", False),
    ],
)
async def test_an_order_that_is_none_is_shown_to_nobody_but_named_to_its_user(
    api: Api, change: str, *, is_whose_known: bool
) -> None:
    await api.product("tea")
    order_id = (await api.http.post("/orders", json=BASKET)).json()["order_id"]
    await spoil(api, f"UPDATE orders SET {change}", private=PRIVATE)  # noqa: S608 - our own
    told = []
    for subject, roles in (("ada", set()), ("bob", set()), ("sam", {STAFF})):
        async with asking(api, Caller(subject, frozenset(roles))) as http:
            answers = (await http.get(f"/orders/{order_id}"), await http.post(f"/orders/{order_id}/cancel"))
        assert not any(PRIVATE in answer.text for answer in answers)
        told.append([answer.status_code for answer in answers])
    assert told == [[500, 500] if is_whose_known else [403, 403], [403, 403], [500, 500]]


async def test_an_offer_that_is_none_is_no_unknown_product(api: Api) -> None:
    await api.product("tea")
    await spoil(api, "UPDATE offers SET version = 'x'")
    answer = await api.http.post("/orders", json=BASKET)
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/unreadable-state")
    assert "'tea' of offers" in answer.json()["detail"]


def an_offer(instance: str) -> Offer:
    return Offer(product_id="tea", name="Tea", unit_price_cents=450, instance=instance, version=1)


async def test_the_owners_offer_is_made_again_from_its_product(api: Api) -> None:
    await api.product("tea")
    await spoil(api, "UPDATE offers SET version = 'x'")
    with pytest.raises(ForeignOfferError):
        await api.service.commits.run(RefreshOffer(an_offer("order-2")), trace="")
    await api.service.commits.run(RefreshOffer(an_offer("order-1")), trace="")
    assert (await api.http.post("/orders", json=BASKET)).status_code == 201
    assert await api.rows("SELECT instance, version FROM offers") == [{"instance": "order-1", "version": 1}]


async def test_anothers_offer_is_made_again_from_what_its_owner_says(api: Api) -> None:
    await api.service.commits.run(RefreshOffer(an_offer("order-2")), trace="")
    await spoil(api, "UPDATE offers SET version = 'x'")
    await api.service.commits.run(RefreshOffer(an_offer("order-2")), trace="")
    assert await api.rows("SELECT instance, version FROM offers") == [{"instance": "order-2", "version": 1}]


async def test_a_claim_that_is_none_fails_no_other_of_the_same_call(tmp_path: Path) -> None:
    async with order_api(tmp_path, peers=URLS, peer_secret=SECRET) as api:

        async def call(_owner: str, body: bytes) -> bytes:
            headers = {"Order-Peer-Secret": SECRET, "Content-Type": "application/json"}
            answer = await api.http.post("/internal/claims", content=body, headers=headers)
            assert answer.status_code == 200, answer.text
            return answer.content

        claims = [ReserveName(name=f"product {name}", instance="order-2", fingerprint="") for name in "abc"]
        for claim in claims:
            await NameRegistryClient(call).claim("order-1", claim)
        await spoil(api, "UPDATE claims SET claimed_at = 'x' WHERE name = 'product b'")
        client = NameRegistryClient(call)
        # While the first is asked for, the others come together.
        results: list[Any] = await asyncio.gather(
            *(client.claim("order-1", claim) for claim in claims), return_exceptions=True
        )
    assert [results[0].instance, results[2].instance] == ["order-2", "order-2"]
    assert isinstance(results[1], UnreadableStateError)
    assert "'product b' of claims" in results[1].detail
