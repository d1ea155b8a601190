"""Between instances: who is taken for one, and what others may say."""

from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio

from order_service.entrypoints.http.peers import Peers
from tests.support.order_api import Api, order_api

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "one that the instances share"  # noqa: S105 - of this test
URLS = {"order-1": "http://127.0.0.1:1", "order-2": "http://127.0.0.1:1"}
CLAIM = {"name": "product tea", "instance": "order-2", "fingerprint": ""}
PRODUCT = {"name": "Mug", "unit_price_cents": 1200, "stock": 5}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with order_api(tmp_path_factory.mktemp("order"), peers=URLS, peer_secret=SECRET) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def api(shared_api: Api) -> Api:
    """order-1, which knows order-2; shared by the tests of this module, as if it had just been started."""
    await shared_api.forget()
    return shared_api


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def owned_here() -> str:
    """A product whose name order-1 owns."""
    async with httpx.AsyncClient() as client:
        peers = Peers(instance="order-1", urls={"order-2": ""}, client=client)
        return next(
            f"mug-{number}" for number in count() if peers.owner_of(f"product mug-{number}") == "order-1"
        )


async def claim(api: Api, claims: Any, **headers: str) -> httpx.Response:
    return await api.http.post("/internal/claims", json=claims, headers=headers)


@pytest.mark.parametrize("setting", [{}, {"peer_secret": ""}, {"peer_secret": "  "}])
async def test_without_a_secret_the_routes_between_instances_are_closed(
    tmp_path: Path, setting: dict[str, str]
) -> None:
    async with order_api(tmp_path, peers=URLS, **setting) as api:
        before = await api.trace()
        for headers in ({}, {"Order-Peer-Secret": ""}, {"Order-Peer-Secret": SECRET}):
            answer = await claim(api, [CLAIM], **headers)
            assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-a-peer")
            assert "ORDER_PEER_SECRET" in answer.json()["detail"]
            assert await api.trace() == before


@pytest.mark.parametrize(
    "sent",
    [[], [""], ["other"], [SECRET[:-1]], [SECRET + "x"], [SECRET.upper()], [SECRET, SECRET], [SECRET, ""]],
    ids=str,
)
@pytest.mark.parametrize(
    "content", [b"[]", b"{", b'[{"name":"product tea","instance":"order-2","fingerprint":""}]']
)
async def test_who_does_not_know_the_secret_is_refused_whatever_it_sends(
    api: Api, sent: list[str], content: bytes
) -> None:
    before = await api.trace()
    headers = [("Content-Type", "application/json"), *(("Order-Peer-Secret", each) for each in sent)]
    answer = await api.http.post("/internal/claims", content=content, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "/problems/not-a-peer")
    assert SECRET not in answer.text
    assert await api.trace() == before


async def test_a_secret_is_changed_instance_by_instance(tmp_path: Path) -> None:
    """One that sends the new secret already, and takes the old one of those that do not know it yet."""
    new = "the next one"
    async with order_api(tmp_path, peers=URLS, peer_secret=new, peer_secret_also=SECRET) as api:
        told = {
            secret: (await claim(api, [CLAIM], **{"Order-Peer-Secret": secret})).status_code
            for secret in (new, SECRET, "other", "")
        }
    assert told == {new: 200, SECRET: 200, "other": 403, "": 403}
    async with order_api(tmp_path, peers=URLS, peer_secret="", peer_secret_also=SECRET) as api:
        assert (await claim(api, [CLAIM], **{"Order-Peer-Secret": SECRET})).status_code == 403


async def test_a_claim_of_a_known_instance_is_kept(api: Api) -> None:
    answer = await claim(api, [CLAIM], **{"Order-Peer-Secret": SECRET})
    assert (answer.status_code, answer.json()) == (200, [{"instance": "order-2"}])


@pytest.mark.parametrize(
    ("claims", "pointer"),
    [
        ([CLAIM, CLAIM | {"instance": "nowhere"}], "/1/instance"),
        ([CLAIM | {"instance": ""}], "/0/instance"),
        ([CLAIM | {"instance": "ORDER-2"}], "/0/instance"),
        ([CLAIM] * 101, None),
        ([{"name": "product tea"}], None),
        ({}, None),
    ],
)
async def test_a_claim_for_nobody_is_refused_with_all_that_came_with_it(
    api: Api, claims: Any, pointer: str | None
) -> None:
    before = await api.trace()
    answer = await claim(api, claims, **{"Order-Peer-Secret": SECRET})
    assert answer.status_code == 422, answer.text
    assert [error["pointer"] for error in answer.json().get("errors", [])] == ([pointer] if pointer else [])
    assert await api.trace() == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 503),  # order-2, which has the name, is away
        ({"Order-Forwarded-By": "order-2"}, 421),
        ({"Order-Forwarded-By": "order-2", "Order-Peer-Secret": "guessed"}, 421),
        ({"Order-Forwarded-By": "order-2", "Order-Peer-Secret": SECRET}, 201),
    ],
)
async def test_only_an_instance_can_say_that_a_name_is_to_be_used_here(
    api: Api, owned_here: str, headers: dict[str, str], status: int
) -> None:
    claimed = await claim(api, [CLAIM | {"name": f"product {owned_here}"}], **{"Order-Peer-Secret": SECRET})
    assert claimed.status_code == 200
    answer = await api.http.post("/products", json=PRODUCT | {"product_id": owned_here}, headers=headers)
    assert answer.status_code == status, answer.text


async def test_a_request_that_need_not_be_passed_on_may_say_what_it_likes(api: Api, owned_here: str) -> None:
    answer = await api.http.post(
        "/products", json=PRODUCT | {"product_id": owned_here}, headers={"Order-Forwarded-By": "nowhere"}
    )
    assert answer.status_code == 201
