"""One user has one id, however a keyboard writes its accents; whoever differs in anything that is seen is another."""

import unicodedata
from pathlib import Path
from typing import Any

import pytest
from fastapi import HTTPException
from starlette.requests import Request

from catalog_service.http import authentication as catalog
from catalog_service.http.models import OrdersQuestion
from catalog_service.http.stream import StreamQuestion
from order_service.entrypoints.http import authentication as order
from tests.support.order_api import order_api

COMPOSED = "Jos\u00e9"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
GROWING = "\u0958" * 64  # of two characters each in NFC


async def test_an_order_is_found_by_either_form_of_its_user_and_shows_one(tmp_path: Path) -> None:
    async with order_api(tmp_path) as api:
        await api.product("tea")
        placed = {}
        for user in (COMPOSED, DECOMPOSED, COMPOSED.lower()):
            body = {"user_id": user, "lines": [{"product_id": "tea", "quantity": 1}]}
            answer = await api.http.post("/orders", json=body)
            assert answer.status_code == 201, answer.text
            placed[answer.json()["order_id"]] = answer.json()["user_id"]
        assert list(placed.values()) == [COMPOSED, COMPOSED, COMPOSED.lower()]
        for user in (COMPOSED, DECOMPOSED):
            found = (await api.http.get("/orders", params={"user_id": user})).json()
            assert {each["order_id"] for each in found["items"]} == set(list(placed)[:2])
        body = {"user_id": GROWING, "lines": [{"product_id": "tea", "quantity": 1}]}
        assert (await api.http.post("/orders", json=body)).status_code == 422


@pytest.mark.parametrize("question", [OrdersQuestion, StreamQuestion])
def test_the_catalog_asks_for_the_form_that_is_written(
    question: type[OrdersQuestion] | type[StreamQuestion],
) -> None:
    assert question(user_id=DECOMPOSED).user_id == COMPOSED
    assert question().user_id is None


@pytest.mark.parametrize("service", [order, catalog])
@pytest.mark.parametrize("subject", [COMPOSED, DECOMPOSED])
def test_a_token_speaks_for_either_form_of_its_subject_and_for_nobody_else(
    service: Any,
    subject: str,
) -> None:
    caller = service.Caller(subject, frozenset())
    request = Request({"type": "http", service.CALLER: caller})
    for own in (COMPOSED, DECOMPOSED):
        service.require_own(request, own)
    for other in (COMPOSED.lower(), "Jose", f"{COMPOSED} ", None):
        with pytest.raises(HTTPException):
            service.require_own(request, other)
