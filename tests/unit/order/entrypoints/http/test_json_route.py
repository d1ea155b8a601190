"""A body is what every reader of JSON understands alike, and the endpoint gets the value that was checked."""

import json
from typing import Any

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from order_service.entrypoints.http import problems
from order_service.entrypoints.http.bodies import PlaceOrderBody
from order_service.entrypoints.http.json_route import JsonRoute, parse_strictly
from order_service.entrypoints.http.parameters import IdempotencyKeyHeader
from order_service.entrypoints.http.problems import ProblemError

GOOD = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}
IS_JSON = {"content-type": "application/json"}
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4),
    max_leaves=8,
)


@given(value=values, ascii_only=st.booleans())
def test_any_json_has_the_value_that_it_was_written_from(value: Any, *, ascii_only: bool) -> None:
    assert parse_strictly(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.text(max_size=3), values, st.dictionaries(st.text(max_size=3), values, max_size=3))
def test_a_key_that_comes_twice_is_refused_wherever_it_is(
    key: str, value: Any, others: dict[str, Any]
) -> None:
    pairs = [*others.items(), (key, value), (key, value)]
    doubled = "{" + ", ".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in pairs) + "}"
    for content in (doubled, f'[{{"deeper": {doubled}}}]'):
        with pytest.raises(ProblemError) as refused:
            parse_strictly(content.encode())
        assert (refused.value.kind.status, refused.value.kind.name) == (400, "malformed-json")


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
@example(json.dumps(GOOD).encode() + b"x")
@example(b'{"user_id":"\xff"}')
@example(json.dumps(GOOD).encode("utf-16"))
@example(b"\xef\xbb\xbf{}")
@example(b"[" * 20_000)
@example(b"NaN")
@example(b"7" * 5_000)
@example(b'{"quantity": -' + b"7" * 5_000 + b"}")
@example(b'{"quantity": -Infinity}')
def test_what_is_read_is_json_in_utf_8(content: bytes) -> None:
    try:
        value = parse_strictly(content)
    except ProblemError as refused:
        assert refused.errors[0]["detail"]  # noqa: PT017 - most of these bytes are refused, and some are not
    else:
        assert value == json.loads(content.decode("utf-8"), parse_constant=pytest.fail)


@given(values | st.fixed_dictionaries({"user_id": st.just("ada"), "lines": st.lists(values, max_size=2)}))
@example(GOOD)
@example(GOOD | {"lines": [{"product_id": "tea", "quantity": 1.0}]})
@example(GOOD | {"lines": [{"product_id": "tea", "quantity": 2**70}]})
def test_the_value_is_validated_as_the_text_would_be(body: Any) -> None:
    def found(validate: Any, given_: Any) -> PlaceOrderBody | None:
        try:
            valid: PlaceOrderBody = validate(given_)
        except ValidationError:
            return None
        return valid

    content = json.dumps(body).encode()
    assert found(PlaceOrderBody.model_validate, parse_strictly(content)) == found(
        PlaceOrderBody.model_validate_json, content
    )


def test_an_endpoint_is_called_once_with_what_is_valid_and_not_at_all_with_anything_else() -> None:
    called: list[str] = []

    async def endpoint(request: Request, body: PlaceOrderBody) -> Response:
        called.append(f"{request.url.path} {body.user_id}")
        return Response(status_code=201)

    app = FastAPI()
    problems.install(app)
    app.router.add_api_route("/strict", endpoint, methods=["POST"], route_class_override=JsonRoute)
    http = TestClient(app)
    good = json.dumps(GOOD).encode()
    for content, headers, status in (
        (good, IS_JSON, 201),
        (good, {"content-type": "application/json; charset=utf-8"}, 201),
        (good, {"content-type": "text/plain"}, 415),
        (good[:-1], IS_JSON, 400),
        (b"", IS_JSON, 422),
        (json.dumps(GOOD | {"x": 1}).encode(), IS_JSON, 422),
    ):
        called.clear()
        answer = http.post("/strict", content=content, headers=headers)
        assert answer.status_code == status
        assert called == (["/strict ada"] if status == 201 else [])


async def _told(request: Request, body: PlaceOrderBody, key: IdempotencyKeyHeader = None) -> Response:
    return JSONResponse({"user": body.user_id, "key": key, "path": request.url.path})


def _serving(route: type[APIRoute]) -> TestClient:
    app = FastAPI()
    problems.install(app)
    app.router.add_api_route("/orders", _told, methods=["POST"], route_class_override=route)
    return TestClient(app)


directly, through_fastapi = _serving(JsonRoute), _serving(APIRoute)
keys = st.none() | st.sampled_from(["k-1", "", "two words", "x" * 256])


@given(body=st.just(GOOD) | st.fixed_dictionaries({"user_id": values, "lines": values}), key=keys)
@example(body=None, key=None)
@example(body=GOOD | {"more": 1}, key="two words")
def test_an_endpoint_is_answered_for_as_fastapi_would(body: Any, key: str | None) -> None:
    headers = IS_JSON | ({} if key is None else {"idempotency-key": key})
    answers = [
        http.post("/orders", content=json.dumps(body), headers=headers)
        for http in (directly, through_fastapi)
    ]
    assert len({(answer.status_code, answer.text) for answer in answers}) == 1
