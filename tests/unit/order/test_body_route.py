"""The short way to a body accepts what FastAPI's own way accepts, and nothing else."""

import json
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.testclient import TestClient
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from order_service.entrypoints.http.bodies import PlaceOrderBody
from order_service.entrypoints.http.body_route import BodyRoute

GOOD = {"user_id": "ada", "lines": [{"product_id": "tea", "quantity": 1}]}
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["ada", "tea"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["user_id", "lines", "product_id", "quantity", "x"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)
lines = st.lists(
    st.fixed_dictionaries(
        {"product_id": st.sampled_from(["tea", "", "-"]) | values, "quantity": st.integers() | values}
    ),
    max_size=3,
)
bodies = values | st.fixed_dictionaries({"user_id": st.just("ada") | values, "lines": lines | values})


def short(content: bytes) -> PlaceOrderBody | None:
    try:
        return PlaceOrderBody.model_validate_json(content)
    except ValidationError:
        return None


def long(content: bytes) -> PlaceOrderBody | None:
    try:
        return PlaceOrderBody.model_validate(json.loads(content))
    except (ValidationError, ValueError):
        return None


@given(bodies)
@example(GOOD)
@example(GOOD | {"lines": [{"product_id": "tea", "quantity": 1.0}]})
@example(GOOD | {"lines": [{"product_id": "tea", "quantity": 2**70}]})
def test_both_ways_find_the_same_in_any_json(body: Any) -> None:
    content = json.dumps(body).encode()
    assert short(content) == long(content)


@given(st.binary(max_size=40) | st.text(max_size=40).map(str.encode))
@example(json.dumps(GOOD).encode() + b"x")
@example(b'{"user_id":"\xff"}')
def test_the_short_way_takes_no_bytes_that_the_long_way_does_not(content: bytes) -> None:
    found = short(content)
    assert found is None or found == long(content)


def test_an_endpoint_is_called_once_and_what_is_not_valid_is_answered_as_fastapi_does() -> None:
    called: list[str] = []

    async def endpoint(request: Request, body: PlaceOrderBody) -> Response:
        called.append(f"{request.url.path} {body.user_id}")
        return Response(status_code=201)

    app = FastAPI()
    app.router.add_api_route("/short", endpoint, methods=["POST"], route_class_override=BodyRoute)
    app.router.add_api_route("/long", endpoint, methods=["POST"])
    http = TestClient(app)
    good, is_json = json.dumps(GOOD).encode(), {"content-type": "application/json"}
    for content, headers, status in (
        (good, is_json, 201),
        (good, {"content-type": "application/json; charset=utf-8"}, 201),
        (good, {"content-type": "text/plain"}, 422),
        (good[:-1], is_json, 422),
        (b"", is_json, 422),
        (json.dumps(GOOD | {"x": 1}).encode(), is_json, 422),
    ):
        called.clear()
        answers = [http.post(path, content=content, headers=headers) for path in ("/short", "/long")]
        assert [answer.status_code for answer in answers] == [status, status]
        assert answers[0].content == answers[1].content
        assert called == (["/short ada", "/long ada"] if status == 201 else [])
