"""What must not be accepted is refused with a problem that names the field, and leaves no trace on any side."""

from typing import Any

import httpx
import pytest

from auditor import audit
from tests.support.stack import RunningStack

PRODUCT = {"product_id": "bad-tea", "name": "Tea", "unit_price_cents": 450, "stock": 10}
LINE = {"product_id": "green-tea", "quantity": 1}
ORDER = {"user_id": "eve", "lines": [LINE]}

Case = tuple[str, str, Any, int, str]


def _product(pointer: str, **changes: Any) -> Case:
    return "order", "POST /products", PRODUCT | changes, 422, pointer


def _order(pointer: str, **changes: Any) -> Case:
    return "order", "POST /orders", ORDER | changes, 422, pointer


def _line(pointer: str, **changes: Any) -> Case:
    return _order(pointer, lines=[LINE | changes])


def _query(path: str, parameter: str, status: int = 422) -> Case:
    return "catalog", f"GET {path}", None, status, parameter


CASES: dict[str, Case] = {
    "a product without a name": ("order", "POST /products", {**PRODUCT, "name": ""}, 422, "/name"),
    "a name that is a number": _product("/name", name=7),
    "a name with a control character": _product("/name", name="a\x00b"),
    "a name that does not end": _product("/name", name="x" * 201),
    "a name of blanks": _product("/name", name="  "),
    "a product id with a slash": _product("/product_id", product_id="a/b"),
    "a product id that does not end": _product("/product_id", product_id="x" * 65),
    "a price below nothing": _product("/unit_price_cents", unit_price_cents=-1),
    "a price in a text": _product("/unit_price_cents", unit_price_cents="450"),
    "half a cent": _product("/unit_price_cents", unit_price_cents=0.5),
    "a stock below nothing": _product("/stock", stock=-1),
    "a stock beyond the contract's int32": _product("/stock", stock=2**31),
    "a field nobody knows": _product("/colour", colour="green"),
    "a missing field": ("order", "POST /products", {"product_id": "bad-tea"}, 422, "/name"),
    "an order without lines": _order("/lines", lines=[]),
    "an order of nobody": _order("/user_id", user_id=""),
    "an order of a user with a control character": _order("/user_id", user_id="a\nb"),
    "lines that are no list": _order("/lines", lines="green-tea"),
    "a line that is no object": _order("/lines/0", lines=["green-tea"]),
    "none of a product": _line("/lines/0/quantity", quantity=0),
    "less than none of a product": _line("/lines/0/quantity", quantity=-3),
    "a quantity that is true": _line("/lines/0/quantity", quantity=True),
    "a quantity beyond reason": _line("/lines/0/quantity", quantity=10**12),
    "a price set by the customer": _line("/lines/0/unit_price_cents", unit_price_cents=1),
    "a product nobody sells": _line("/lines/0/product_id", product_id="no-such-product"),
    "one product in two lines": _order("/lines/1/product_id", lines=[LINE, LINE]),
    "more lines than allowed": _order("/lines", lines=[LINE] * 101),
    "a status set by the customer": _order("/status", status="CONFIRMED"),
    "an order that is a list": ("order", "POST /orders", [ORDER], 422, ""),
    "an order that is not JSON": ("order", "POST /orders", b'{"user_id":', 400, ""),
    "a number that does not end": ("order", "POST /orders", b'{"user_id":' + b"7" * 5_000 + b"}", 400, ""),
    "a list of nobody's orders": ("order", "GET /orders", None, 422, "user_id"),
    "a page that is too long, at an instance": (
        "order",
        "GET /orders?user_id=a&limit=501",
        None,
        422,
        "limit",
    ),
    "a page that is too long": _query("/orders?limit=100000", "limit"),
    "a page of none": _query("/orders?limit=0", "limit"),
    "a cursor that is none": _query("/orders?cursor=nonsense", "cursor", 400),
    "a filter nobody knows": _query("/orders?colour=green", "colour"),
    "a status that is none": _query("/orders?status=LOST", "status"),
    "a day that is none": _query("/orders?placed_after=yesterday", "placed_after"),
    "a user that cannot be": _query("/orders?user_id=a%00b", "user_id"),
    "products by a cursor that is none": _query("/products?cursor=nonsense", "cursor", 400),
}
MISSING = {
    "an order in bad UTF-8": ("order", "POST /orders", b'{"user_id":"\xff"}', 400, None),
    "an order that is not there": ("order", "GET /orders/order-1-nothing", None, 404, None),
    "a product that is not there": ("order", "GET /products/no-such-product", None, 404, None),
    "an order nobody has": ("catalog", "GET /orders/order-1-nothing", None, 404, None),
    "a product nobody has": ("catalog", "GET /products/no-such-product", None, 404, None),
    "a route that is not there": ("order", "POST /refunds", {}, 404, None),
    "a method that is not there": ("catalog", "DELETE /orders/x", None, 405, None),
    "a command to the query side": ("catalog", "POST /orders", ORDER, 405, None),
    "a body that does not end": ("order", "POST /orders", b"x" * 100_000, 413, None),
}


async def _send(
    http: httpx.AsyncClient, stack: RunningStack, case: tuple[str, str, Any, Any, Any]
) -> httpx.Response:
    side, request, body, _, _ = case
    method, _, path = request.partition(" ")
    url = (stack.instances["order-1"] if side == "order" else stack.catalog) + path
    if isinstance(body, bytes):
        return await http.request(method, url, content=body, headers={"content-type": "application/json"})
    return await http.request(method, url, json=body)


@pytest.mark.parametrize("case", [*CASES.values(), *MISSING.values()], ids=[*CASES, *MISSING])
async def test_bad_input_is_a_problem_that_names_the_field(
    stack: RunningStack, http: httpx.AsyncClient, case: tuple[str, str, Any, int, str | None]
) -> None:
    answer = await _send(http, stack, case)
    *_, status, where = case
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["type"].startswith("/problems/")
    assert {"title", "detail", "instance"} <= problem.keys()
    if where is not None:
        named = [error.get("pointer", error.get("parameter")) for error in problem["errors"]]
        assert where in named, problem


@pytest.mark.guarantees("G-CMD-4", "G-RELAY-2")
async def test_bad_input_writes_nothing_and_publishes_nothing(
    stack: RunningStack, http: httpx.AsyncClient
) -> None:
    before = await audit(stack.target, wait_s=30)
    assert before.clean, before
    for case in [*CASES.values(), *MISSING.values()]:
        await _send(http, stack, case)
    after = await audit(stack.target, wait_s=30)
    assert after.clean, after
    assert after.counts == before.counts


async def test_a_product_id_is_taken_once(stack: RunningStack, http: httpx.AsyncClient) -> None:
    again = PRODUCT | {"product_id": "green-tea"}
    answer = await http.post(f"{stack.instances['order-2']}/products", json=again)
    assert answer.status_code == 409, answer.text
    assert answer.json()["type"] == "/problems/product-exists"
