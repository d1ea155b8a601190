"""HTTP: what is refused, how it is said, and that it leaves no trace."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.support.order_api import Api, order_api

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDER = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}
PRODUCT = {"product_id": "mug", "name": "Mug", "unit_price_cents": 1200, "stock": 5}


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_api(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Api]:
    async with order_api(tmp_path_factory.mktemp("order")) as api:
        yield api


@pytest_asyncio.fixture(loop_scope="module")
async def api(shared_api: Api) -> Api:
    """The application that the tests of this module share, as if it had just been started."""
    await shared_api.forget()
    return shared_api


@pytest.mark.guarantees("G-CMD-4")
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


@pytest.mark.guarantees("G-CMD-8")
@pytest.mark.parametrize(
    ("if_match", "status"),
    [
        ('"1"', 200),
        ("*", 200),
        ('"7", "1"', 200),
        ('"2"', 412),
        ('W/"1"', 412),
        ('"01"', 412),
        ('"0"', 412),
        ("1", 422),
    ],
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


async def test_everything_that_is_wrong_is_named_at_once_where_it_stands(api: Api) -> None:
    await api.product("tea")
    before = await api.trace()
    headers = {"Idempotency-Key": "a b", "If-Match": "1"}
    answer = await api.http.post("/products/tea/price", json={"unit_price_cents": -1}, headers=headers)
    assert answer.status_code == 422
    places = [{**error, "detail": ...} for error in answer.json()["errors"]]
    for place in ({"header": "Idempotency-Key"}, {"header": "If-Match"}, {"pointer": "/unit_price_cents"}):
        assert place | {"detail": ...} in places
    assert await api.trace() == before


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("Idempotency-Key", ["one", "two"]),
        ("Idempotency-Key", ["one", "one"]),
        ("Idempotency-Key", ["one", ""]),
        ("If-Match", ['"1"', '"2"']),
        ("Content-Type", ["application/json", "text/plain"]),
    ],
)
@pytest.mark.parametrize("path", ["/orders", "/products/tea/price"])
async def test_a_header_that_comes_twice_is_not_guessed_at(
    api: Api, path: str, name: str, values: list[str]
) -> None:
    await api.product("tea")
    before = await api.trace()
    headers = [("Content-Type", "application/json"), *((name, value) for value in values)]
    sent = headers[1:] if name == "Content-Type" else headers
    body = ORDER if path == "/orders" else {"unit_price_cents": 1}
    answer = await api.http.post(path, content=json.dumps(body).encode(), headers=sent)
    assert answer.status_code == 422, answer.text
    assert [error["header"] for error in answer.json()["errors"]] == [name]
    assert await api.trace() == before


async def test_who_has_the_version_already_gets_no_body(api: Api) -> None:
    await api.product("tea")
    answer = await api.http.get("/products/tea", headers={"If-None-Match": '"1"'})
    assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", '"1"')


JSON = {"content-type": "application/json"}
TWICE = b'{"user_id":"ada","user_id":"bob","lines":[{"product_id":"tea","quantity":1}]}'
DEEP_TWICE = b'{"user_id":"ada","lines":[{"product_id":"tea","quantity":1,"quantity":2}]}'
PLAIN = b'{"user_id":"ada","lines":[{"product_id":"tea","quantity":1}]}'


@pytest.mark.parametrize("media_type", ["application/json", "Application/JSON; charset=UTF-8"])
@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/orders", TWICE),
        ("/orders", DEEP_TWICE),
        ("/orders", b"\xef\xbb\xbf" + PLAIN),
        ("/orders", PLAIN.decode().encode("utf-16")),
        ("/orders", PLAIN.decode().encode("utf-16-le")),
        ("/orders", PLAIN.decode().encode("utf-32-be")),
        ("/products/tea/restock", b'{"quantity":1,"quantity":2}'),
        ("/products/tea/restock", b"\xef\xbb\xbf" + b'{"quantity":1}'),
        ("/products/tea/price", '{"unit_price_cents":1}'.encode("utf-16")),
        ("/orders/order-1-01JD9Z6Q4W8C3N5T7V9X2B4D6F/ship", b'{"a":1,"a":2}'),
    ],
)
async def test_a_body_that_two_readers_could_understand_differently_is_refused(
    api: Api, media_type: str, path: str, content: bytes
) -> None:
    await api.product("tea")
    before = await api.trace()
    answer = await api.http.post(path, content=content, headers={"content-type": media_type})
    assert (answer.status_code, answer.json()["type"]) == (400, "/problems/malformed-json")
    assert await api.trace() == before


@pytest.mark.parametrize(
    ("media_type", "status"),
    [
        ("application/json", 201),
        ("APPLICATION/JSON", 201),
        ("application/json;charset=utf-8", 201),
        ("application/vnd.api+json", 415),
        ("application/jsonx", 415),
        ("text/plain", 415),
        ("text/plain; application/json", 415),
        ("", 415),
        (None, 415),
    ],
)
async def test_a_body_has_to_say_that_it_is_json(api: Api, media_type: str | None, status: int) -> None:
    await api.product("tea")
    headers = {} if media_type is None else {"content-type": media_type}
    answer = await api.http.post("/orders", content=PLAIN, headers=headers)
    assert answer.status_code == status, answer.text
    cancelled = await api.http.post("/orders/elsewhere-1/cancel", content=b"{}", headers=headers)
    assert cancelled.status_code == (404 if status == 201 else 415)


UNSEEN = {
    "control C0": "\x1b",
    "delete": "\x7f",
    "control C1": "\x85",
    "soft hyphen": "\xad",
    "right-to-left override": "\u202e",
    "isolate": "\u2066",
    "Arabic mark": "\u061c",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "word joiner": "\u2060",
    "byte order mark": "\ufeff",
    "line separator": "\u2028",
    "filler": "\u3164",
    "blank braille": "\u2800",
    "annotation": "\ufff9",
    "tag": "\U000e0041",
    "musical control": "\U0001d173",
    "lone surrogate": "\ud83d",
}


@pytest.mark.parametrize("character", UNSEEN.values(), ids=list(UNSEEN))
async def test_a_name_shows_everything_that_it_is(api: Api, character: str) -> None:
    await api.product("tea")
    before = await api.trace()
    for path, body, pointer in (
        ("/orders", ORDER | {"user_id": f"a{character}b"}, "/user_id"),
        ("/products", PRODUCT | {"name": f"{character}Mug"}, "/name"),
    ):
        answer = await api.http.post(path, content=json.dumps(body).encode(), headers=JSON)
        assert answer.status_code == 422, answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert await api.trace() == before


@pytest.mark.parametrize("name", [" ", "\u3000", "Mug ", " Mug", "\u00a0Mug", "Mug\u2003", " \u2009 "])
async def test_white_space_stands_between_what_is_seen(api: Api, name: str) -> None:
    await api.product("tea")
    before = await api.trace()
    for path, body, pointer in (
        ("/orders", ORDER | {"user_id": name}, "/user_id"),
        ("/products", PRODUCT | {"name": name}, "/name"),
    ):
        answer = await api.http.post(path, json=body)
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert (await api.http.get("/orders", params={"user_id": name})).status_code == 422
    assert await api.trace() == before


@pytest.mark.parametrize("name", ["Zoë Ångström", "山田　太郎", "محمد", "O'Neill & ❤️ 👍🏽", "שלום"])
async def test_a_name_may_be_of_any_language(api: Api, name: str) -> None:
    await api.product("tea")
    answer = await api.http.post("/orders", json=ORDER | {"user_id": name})
    assert (answer.status_code, answer.json()["user_id"]) == (201, name)
    found = await api.http.get("/orders", params={"user_id": name})
    assert [order["user_id"] for order in found.json()["items"]] == [name]
