"""HTTP: what is refused, how it is said, and that it leaves no trace."""

from typing import Any

import pytest

from tests.support.order_api import Api

ORDER = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}
PRODUCT = {"product_id": "mug", "name": "Mug", "unit_price_cents": 1200, "stock": 5}


@pytest.mark.parametrize(
    ("path", "body", "status", "pointer"),
    [
        ("/orders", ORDER | {"lines": [{"product_id": "none", "quantity": 1}]}, 422, "/lines/0/product_id"),
        ("/orders", ORDER | {"lines": [{"product_id": "tea", "quantity": 0}]}, 422, "/lines/0/quantity"),
        ("/orders", ORDER | {"lines": [{"product_id": "tea", "quantity": "1"}]}, 422, "/lines/0/quantity"),
        ("/orders", ORDER | {"lines": []}, 422, "/lines"),
        ("/orders", ORDER | {"lines": ORDER["lines"] * 2}, 422, "/lines/1/product_id"),  # type: ignore[operator]
        ("/orders", ORDER | {"user_id": "a\x00b"}, 422, "/user_id"),
        ("/orders", ORDER | {"coupon": "x"}, 422, "/coupon"),
        ("/orders", {"user_id": "ada"}, 422, "/lines"),
        ("/products", PRODUCT | {"product_id": "tea"}, 409, "/product_id"),
        ("/products", PRODUCT | {"product_id": "a/b"}, 422, "/product_id"),
        ("/products", PRODUCT | {"stock": -1}, 422, "/stock"),
        ("/products", PRODUCT | {"unit_price_cents": 1.5}, 422, "/unit_price_cents"),
        ("/products/tea/restock", {"quantity": 0}, 422, "/quantity"),
        ("/products/tea/price", {}, 422, "/unit_price_cents"),
        ("/products/none/restock", {"quantity": 1}, 404, None),
        ("/orders/order-1-01JD9Z6Q4W8C3N5T7V9X2B4D6F/cancel", None, 404, None),
        ("/orders/elsewhere-1/ship", None, 404, None),
    ],
)
async def test_a_refused_command_names_its_field_and_leaves_no_trace(
    api: Api, path: str, body: Any, status: int, pointer: str | None
) -> None:
    await api.product("tea")
    before = await api.trace()
    answer = await api.http.post(path, json=body)
    problem = answer.json()
    assert (answer.status_code, problem["status"]) == (status, status), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"].startswith("/problems/")
    assert problem["instance"] == path
    assert [error["pointer"] for error in problem.get("errors", [])] == ([] if pointer is None else [pointer])
    assert await api.trace() == before


@pytest.mark.parametrize(
    ("content", "headers", "status", "type_"),
    [
        (b"{", {"content-type": "application/json"}, 400, "malformed-json"),
        (b"\xff\xfe", {"content-type": "application/json"}, 400, "malformed-json"),
        (b'{"user_id":"\xff"}', {"content-type": "application/json"}, 400, "malformed-json"),
        (b"[" * 20_000, {"content-type": "application/json"}, 400, "malformed-json"),
        (
            b"user_id=ada",
            {"content-type": "application/x-www-form-urlencoded"},
            415,
            "unsupported-media-type",
        ),
        (b" " * 70_000, {"content-type": "application/json"}, 413, "body-too-large"),
    ],
)
async def test_a_body_that_is_no_command_is_refused(
    api: Api, content: bytes, headers: dict[str, str], status: int, type_: str
) -> None:
    answer = await api.http.post("/orders", content=content, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{type_}")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "JSON decode error"),
        (b'{"user_id":"\xff"}', "byte 12 is not UTF-8"),
        (b"[" * 20_000, "is nested too deeply"),
    ],
)
async def test_a_body_that_cannot_be_read_says_where_it_went_wrong(
    api: Api, content: bytes, said: str
) -> None:
    answer = await api.http.post("/orders", content=content, headers={"content-type": "application/json"})
    assert answer.json()["errors"] == [{"pointer": "", "detail": said}]


async def test_a_body_over_the_limit_is_refused_also_in_chunks(api: Api) -> None:
    async def chunks() -> Any:
        for _ in range(100):
            yield b" " * 1024

    answer = await api.http.post("/orders", content=chunks(), headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "/problems/body-too-large")


@pytest.mark.parametrize(
    ("if_match", "status"),
    [('"1"', 200), ("*", 200), ('"7", "1"', 200), ('"2"', 412), ('W/"1"', 412), ("1", 422)],
)
async def test_a_command_is_carried_out_on_the_version_that_its_caller_saw(
    api: Api, if_match: str, status: int
) -> None:
    await api.product("tea")
    answer = await api.http.post(
        "/products/tea/price", json={"unit_price_cents": 1}, headers={"If-Match": if_match}
    )
    assert answer.status_code == status
    assert (await api.http.get("/products/tea")).json()["version"] == (2 if status == 200 else 1)


async def test_who_has_the_version_already_gets_no_body(api: Api) -> None:
    await api.product("tea")
    answer = await api.http.get("/products/tea", headers={"If-None-Match": '"1"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')
