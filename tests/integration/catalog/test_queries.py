"""Questions answered from rows: pages, filters, sorts, tags."""

import itertools
import random
from decimal import Decimal
from typing import Any

import asyncpg
import httpx
import pytest

from tests.support.read_side import BEGIN, ReadModel, Row, a_product, an_order

STATUSES = ["PENDING", "CONFIRMED", "REJECTED", "SHIPPED", "CANCELLED"]


def many_orders() -> list[Row]:
    """Orders of a few users, products and moments: many share their time of placing."""
    dice = random.Random(7)  # noqa: S311 - dice
    return [
        an_order(
            number,
            user_id=dice.choice(["ada", "bob"]),
            status=dice.choice(STATUSES),
            lines=[{"product_id": dice.choice(["tea", "mug"]), "quantity": 1, "unit_price_cents": 450}],
            placed_at=an_order(number // 5)["placed_at"],
        )
        for number in range(120)
    ]


async def walk(queries: httpx.AsyncClient, path: str, **question: Any) -> list[Row]:
    """All pages, one after the other."""
    items: list[Row] = []
    cursor: dict[str, str] = {}
    while True:
        answer = await queries.get(path, params=question | cursor)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        assert len(page["items"]) <= question.get("limit", 50)
        items += page["items"]
        if page["next_cursor"] is None:
            return items
        cursor = {"cursor": page["next_cursor"]}


@pytest.mark.guarantees("G-QUERY-6")
@pytest.mark.parametrize("sort", ["-placed_at", "placed_at"])
async def test_the_pages_of_every_combination_of_filters_give_each_order_once_in_order(
    queries: httpx.AsyncClient, read_model: ReadModel, sort: str
) -> None:
    orders = many_orders()
    await read_model.write("orders", *orders)
    for user, status, product in itertools.product([None, "ada"], [None, "CONFIRMED"], [None, "tea"]):
        filters = {"user_id": user, "status": status, "product_id": product}
        asked = {name: value for name, value in filters.items() if value}
        expected = sorted(
            (
                order
                for order in orders
                if user in {None, order["user_id"]}
                and status in {None, order["status"]}
                and product in {None, order["lines"][0]["product_id"]}
            ),
            key=lambda order: (order["placed_at"], order["order_id"]),
            reverse=sort == "-placed_at",
        )
        found = await walk(queries, "/orders", limit=7, sort=sort, **asked)
        assert [each["order_id"] for each in found] == [each["order_id"] for each in expected], asked


async def test_times_bound_a_question_from_inclusive_to_exclusive(
    queries: httpx.AsyncClient, read_model: ReadModel
) -> None:
    await read_model.write("orders", *(an_order(number) for number in range(5)))
    bounds = {"placed_after": "2026-11-22T12:00:01Z", "placed_before": "2026-11-22T13:00:03+01:00"}
    found = await walk(queries, "/orders", sort="placed_at", **bounds)
    assert [each["order_id"] for each in found] == ["order-1-000001", "order-1-000002"]


@pytest.mark.guarantees("G-QUERY-6")
async def test_orders_placed_while_one_turns_pages_neither_repeat_nor_hide_others(
    queries: httpx.AsyncClient, read_model: ReadModel
) -> None:
    await read_model.write("orders", *(an_order(number) for number in range(10)))
    first = (await queries.get("/orders", params={"limit": 5})).json()
    await read_model.write("orders", *(an_order(number) for number in range(10, 20)))
    second = (await queries.get("/orders", params={"limit": 5, "cursor": first["next_cursor"]})).json()
    ids = [each["order_id"] for each in first["items"] + second["items"]]
    assert ids == [f"order-1-{number:06d}" for number in range(9, -1, -1)]


async def test_an_order_reads_as_the_contract_has_it(
    queries: httpx.AsyncClient, read_model: ReadModel
) -> None:
    await read_model.write("orders", an_order(0, reason="<b>no</b> stock"))
    assert (await queries.get("/orders/order-1-000000")).json() == {
        "order_id": "order-1-000000",
        "user_id": "ada",
        "status": "PENDING",
        "lines": [{"product_id": "tea", "quantity": 2, "unit_price_cents": 450}],
        "total_cents": 900,
        "version": 1,
        "instance": "order-1",
        "reason": "<b>no</b> stock",
        "placed_at": "2026-11-22T12:00:00.000Z",
        "updated_at": "2026-11-22T12:00:00.000Z",
    }


async def test_the_history_of_an_order_has_every_version_in_order(
    queries: httpx.AsyncClient, read_model: ReadModel
) -> None:
    await read_model.write("order_history", *(an_order(0, version=version) for version in (3, 1, 2)))
    found = await walk(queries, "/orders/order-1-000000/history", limit=2)
    assert [each["version"] for each in found] == [1, 2, 3]


async def test_products_come_by_id_and_by_home(queries: httpx.AsyncClient, read_model: ReadModel) -> None:
    await read_model.write(
        "products", a_product("tea"), a_product("mug", instance="order-2"), a_product("cup")
    )
    assert [each["product_id"] for each in await walk(queries, "/products", limit=2)] == ["cup", "mug", "tea"]
    assert [each["product_id"] for each in await walk(queries, "/products", instance="order-2")] == ["mug"]
    assert (await queries.get("/products/tea")).json()["name"] == "Tea"


async def test_sums_are_read_as_the_sink_added_them_up(
    queries: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    await database.execute("INSERT INTO user_summary VALUES ('ada', 3, 2700, $1)", BEGIN)
    await database.execute(
        "INSERT INTO product_sales VALUES ('tea', 5, 50, 2), ('mug', 9, 90, 3), ('cup', 9, 1, 1)"
    )
    summary = (await queries.get("/users/ada/summary")).json()
    assert summary == {
        "user_id": "ada",
        "orders": 3,
        "spend_cents": 2700,
        "last_order_at": "2026-11-22T12:00:00.000Z",
    }
    sales = (await queries.get("/sales", params={"limit": 2})).json()
    assert [each["product_id"] for each in sales["items"]] == ["cup", "mug"]


async def test_sums_may_be_larger_than_any_order(
    queries: httpx.AsyncClient, database: asyncpg.Connection
) -> None:
    much = 10**20
    await database.execute("INSERT INTO user_summary VALUES ('ada', 3, $1, $2)", Decimal(much), BEGIN)
    await database.execute("INSERT INTO product_sales VALUES ('tea', $1, $1, 2)", Decimal(much))
    assert (await queries.get("/users/ada/summary")).json()["spend_cents"] == much
    [tea] = (await queries.get("/sales")).json()["items"]
    assert (tea["quantity"], tea["revenue_cents"]) == (much, much)


async def test_what_is_held_already_is_not_sent_again_until_it_changes(
    queries: httpx.AsyncClient, read_model: ReadModel
) -> None:
    await read_model.write("orders", an_order(0))
    for path in ("/orders/order-1-000000", "/orders?user_id=ada", "/products", "/sales"):
        first = await queries.get(path)
        again = await queries.get(path, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'})
        assert (again.status_code, again.content, again.headers["etag"]) == (
            304,
            b"",
            first.headers["etag"],
        ), path
    held = (await queries.get("/orders/order-1-000000")).headers["etag"]
    await read_model.write("orders", an_order(0, version=2, status="CONFIRMED"))
    assert (await queries.get("/orders/order-1-000000", headers={"If-None-Match": held})).json()[
        "version"
    ] == 2


BAD_QUESTIONS: list[tuple[str, int, dict[str, str]]] = [
    ("/orders?colour=red", 422, {"parameter": "colour"}),
    ("/orders?limit=0", 422, {"parameter": "limit"}),
    ("/orders?limit=201", 422, {"parameter": "limit"}),
    ("/orders?status=LOST", 422, {"parameter": "status"}),
    ("/orders?sort=total_cents", 422, {"parameter": "sort"}),
    ("/orders?user_id=%00", 422, {"parameter": "user_id"}),
    ("/orders?user_id=" + "x" * 129, 422, {"parameter": "user_id"}),
    ("/orders?placed_after=yesterday", 422, {"parameter": "placed_after"}),
    ("/orders?placed_after=2026-11-22T12:00:00", 422, {"parameter": "placed_after"}),
    ("/orders?placed_before=0001-01-01T00:00:00%2B14:00", 422, {"parameter": "placed_before"}),
    ("/orders?cursor=nonsense", 400, {"parameter": "cursor"}),
    ("/orders/x%00", 422, {"parameter": "order_id"}),
    ("/orders/x?y=1", 422, {"parameter": "y"}),
    ("/orders/x", 404, {}),
    ("/orders/x/history", 404, {}),
    ("/products/x", 404, {}),
    ("/products?limit=many", 422, {"parameter": "limit"}),
    ("/users/x/summary", 404, {}),
    ("/sales?limit=-1", 422, {"parameter": "limit"}),
    ("/sync?x=1", 422, {"parameter": "x"}),
    ("/stream?last_event_id=x", 400, {"header": "Last-Event-ID"}),
    ("/nowhere", 404, {}),
]


async def test_a_bad_question_is_a_problem_that_names_what_is_wrong(queries: httpx.AsyncClient) -> None:
    for path, status, named in BAD_QUESTIONS:
        answer = await queries.get(path)
        problem = answer.json()
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), (
            path
        )
        assert {"type", "title", "detail", "instance"} <= problem.keys(), path
        assert (problem["status"], problem["type"].startswith("/problems/")) == (status, True), path
        assert named.items() <= problem.get("errors", [{}])[0].items(), path


async def test_a_cursor_of_another_question_is_refused(
    queries: httpx.AsyncClient, read_model: ReadModel
) -> None:
    await read_model.write("orders", *(an_order(number) for number in range(3)))
    cursor = (await queries.get("/orders", params={"limit": 1, "user_id": "ada"})).json()["next_cursor"]
    for path in ("/orders", "/orders?user_id=bob", "/orders?user_id=ada&sort=placed_at", "/products"):
        joiner = "&" if "?" in path else "?"
        answer = await queries.get(f"{path}{joiner}cursor={cursor}")
        assert (answer.status_code, answer.json()["type"]) == (400, "/problems/bad-cursor"), path


async def test_no_method_but_those_that_read_is_allowed_and_the_answer_says_so(
    queries: httpx.AsyncClient,
) -> None:
    answer = await queries.post("/orders", json={})
    assert (answer.status_code, answer.headers["allow"]) == (405, "HEAD, GET")
    assert answer.json()["type"] == "/problems/method-not-allowed"


async def test_a_foreign_origin_gets_no_permission(queries: httpx.AsyncClient) -> None:
    for method in ("GET", "OPTIONS"):
        answer = await queries.request(
            method,
            "/orders",
            headers={"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "GET"},
        )
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.guarantees("G-QUERY-4")
async def test_every_answer_says_how_fresh_it_is(queries: httpx.AsyncClient) -> None:
    for path in ("/orders", "/orders/x", "/health/live", "/metrics", "/", "/orders?limit=0"):
        assert int((await queries.get(path)).headers["sync-lag-ms"]) >= 0, path
