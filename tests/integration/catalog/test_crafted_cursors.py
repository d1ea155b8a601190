"""A cursor's seal has no key: whoever reads the source can seal anything. Whatever it is, it is answered with 400."""

from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from catalog_service.read_model.cursor import seal_cursor
from catalog_service.read_model.orders import OrderFilter

ORDERS = OrderFilter().question()
HISTORY = ("history", "order-1-000000")
PRODUCTS = ("products", None)
NOW = datetime(2026, 11, 22, tzinfo=UTC)

CRAFTED: list[tuple[str, tuple[object, ...], Any]] = [
    *(
        ("/orders", ORDERS, position)
        for position in (
            (NOW, "x\x00"),
            (NOW.replace(tzinfo=None), "x"),
            (NOW, 7),
            (NOW, None),
            (NOW, b"x"),
            ("yesterday", "x"),
            (NOW,),
            (NOW, "x", "y"),
            (),
            None,
            {"placed_at": NOW},
            (2**64 - 1, "x"),
            (msgspec.msgpack.Ext(-1, b"\xff" * 12), "x"),
            (msgspec.msgpack.Ext(5, b"x"), "x"),
        )
    ),
    *(
        ("/orders/order-1-000000/history", HISTORY, position)
        for position in ((2**63,), (2**64 - 1,), (-1,), (1.5,), ("1",), (True,), (None,), 1)
    ),
    *(
        ("/products", PRODUCTS, position)
        for position in (("\x00",), ("x" * 600,), (1,), ((("x",),),), ("x", "y"), "x")
    ),
]
JUNK = ["", "=", "\x00", "%00", "é", "A", "AAAA", "A" * 12, "A" * 1_001, "A" * 20_000, "-_-_", "null", "💥"]


def refused(answer: httpx.Response) -> bool:
    named = [each.get("parameter") for each in answer.json().get("errors", [])]
    return (answer.status_code, answer.headers["content-type"], named) == (
        400,
        "application/problem+json",
        ["cursor"],
    )


@pytest.mark.parametrize(("path", "question", "position"), CRAFTED)
async def test_a_position_that_no_page_ends_at(
    queries: httpx.AsyncClient, path: str, question: tuple[object, ...], position: object
) -> None:
    cursor = seal_cursor(question, position)  # type: ignore[arg-type]  # that is the point
    answer = await queries.get(path, params={"cursor": cursor})
    assert refused(answer), answer.text


async def test_what_was_never_a_cursor(queries: httpx.AsyncClient) -> None:
    for path in ("/orders", "/products", "/orders/x/history"):
        for junk in JUNK:
            answer = await queries.get(path, params={"cursor": junk})
            assert refused(answer), (path, junk, answer.text)


@pytest.mark.parametrize(
    "edge",
    [
        "0001-01-01T00:00:00+14:00",
        "0001-01-01T00:00:00-14:00",
        "9999-12-31T23:59:59.999999+14:00",
        "9999-12-31T23:59:59.999999-14:00",
    ],
)
async def test_a_time_at_the_edge_of_the_calendar_is_a_page_or_a_problem(
    queries: httpx.AsyncClient, edge: str
) -> None:
    answer = await queries.get("/orders", params={"cursor": seal_cursor(ORDERS, (edge, "x"))})
    assert answer.status_code == 200 or refused(answer), answer.text
