"""Any key and any value is read, or refused as a bad record; nothing else comes out of it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.observations import ORDER_FIELDS
from auditor.sources.records import BadRecordError, decoded

ORDER: dict[str, Any] = {
    "order_id": "order-1-a", "user_id": "ada", "status": "PENDING", "lines": [], "total_cents": 1, "version": 1,
    "instance": "order-1", "reason": None, "placed_at": 1, "updated_at": 1,
}  # fmt: skip
DEEP = b'{"schema":' + b"[" * 50_000 + b"]" * 50_000 + b',"payload":1}'


def envelope(payload: Any) -> bytes:
    return json.dumps({"payload": payload}).encode()


def test_an_order_is_read() -> None:
    name, version, body = decoded("orders", key=envelope("order-1-a"), value=envelope(ORDER))
    assert (name, version) == ("order-1-a", 1)
    assert json.loads(body).keys() == set(ORDER_FIELDS)


HOSTILE = {
    "a version beyond 64 bits": envelope(ORDER | {"version": 2**63}),
    "a version far beyond": envelope(ORDER | {"version": 10**400}),
    "a version that is none": envelope(ORDER | {"version": None}),
    "a version that is a text": envelope(ORDER | {"version": "1"}),
    "a version that is true": envelope(ORDER | {"version": True}),
    "a fraction of a version": envelope(ORDER | {"version": 1.5}),
    "version zero": envelope(ORDER | {"version": 0}),
    "a list for a payload": envelope([ORDER]),
    "a text for a payload": envelope("order"),
    "no payload": b"{}",
    "no envelope": b"[]",
    "half an envelope": envelope(ORDER)[:-9],
    "no text": b"\xff\xfe",
    "nothing": b"",
    "something deep": DEEP,
    "deep payload": envelope(ORDER)[:-2] + b',"x":' + b"[" * 50_000 + b"]" * 50_000 + b"}}",
    "half a surrogate": b'{"payload":{"order_id":"\\ud800"}}',
    "another's name": envelope(ORDER | {"order_id": "order-2-b"}),
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_value_is_a_bad_record(value: bytes) -> None:
    with pytest.raises(BadRecordError):
        decoded("orders", key=envelope("order-1-a"), value=value)


@pytest.mark.parametrize("key", [b"", b"\xff", DEEP, b'{"payload":7}', b'{"payload":"\\ud800"}', b"null"])
def test_a_hostile_key_is_a_bad_record(key: bytes) -> None:
    with pytest.raises(BadRecordError):
        decoded("orders", key=key, value=envelope(ORDER))


@given(topic=st.sampled_from(["orders", "products", "inbox.order-1"]), key=st.binary(), value=st.binary())
def test_whatever_the_bytes_are_a_bad_record_is_all_that_is_raised(
    topic: str, key: bytes, value: bytes
) -> None:
    try:
        name, _, body = decoded(topic, key=key, value=value)
    except BadRecordError:
        return
    assert isinstance(name, str)
    assert isinstance(body, str)
