"""Whatever a record holds, decoding it ends in a use case or in a dead letter with its bytes; never in an exception."""

import json
from typing import Any

import msgspec
import pytest
from aiokafka import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from order_service.adapters.kafka.decoding import Decoding, Nothing, incoming
from order_service.service_layer.apply_once import Incoming, RecordDeadLetter
from order_service.service_layer.use_cases.decide_stock import DecideStock
from order_service.service_layer.use_cases.refresh_offer import RefreshOffer
from order_service.service_layer.use_cases.take_answer import TakeAnswer

DECODING = Decoding(instance="order-1", instances={"order-1", "order-2"})
ORDER = "order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6F"
OFFER = {"product_id": "tea", "name": "Tea", "unit_price_cents": 5, "instance": "order-2", "version": 3}
REQUEST = {
    "order_id": ORDER,
    "order_version": 1,
    "instance": "order-2",
    "home": "order-1",
    "wanted": "RESERVED",
    "goods": [{"product_id": "tea", "quantity": 2}],
}
ANSWER = {
    "order_id": "order-1-01JD9Z6Q4W8C3N5T7V9X2B4D6F",
    "order_version": 1,
    "instance": "order-1",
    "home": "order-2",
    "held": "RESERVED",
    "reason": None,
}
SUBJECTS = {
    "product.registered.v1": (OFFER, "product_id"),
    "reserve-stock.v1": (REQUEST, "order_id"),
    "stock-reserved.v1": (ANSWER, "order_id"),
}


def record(key: bytes | None, value: bytes | None, headers: Any) -> Any:
    return ConsumerRecord("t", 0, 7, 0, 0, key, value, None, 0, 0, headers)


def envelope(payload: Any) -> bytes:
    return json.dumps({"schema": {"type": "any"}, "payload": payload}).encode()


def decoded(event: str, payload: Any, **changes: Any) -> Incoming:
    kind, name = SUBJECTS[event]
    made = record(envelope(kind[name]), envelope(payload), [("ce_type", event.encode())])
    for attribute, value in changes.items():
        object.__setattr__(made, attribute, value)
    return incoming(made, DECODING.product if name == "product_id" else DECODING.inbox)


@pytest.mark.parametrize(
    ("event", "effect"),
    [
        ("product.registered.v1", RefreshOffer),
        ("reserve-stock.v1", DecideStock),
        ("stock-reserved.v1", TakeAnswer),
    ],
)
def test_an_honest_message_is_understood(event: str, effect: type) -> None:
    assert isinstance(decoded(event, SUBJECTS[event][0]).effect, effect)


def test_a_field_that_is_new_does_no_harm() -> None:
    assert isinstance(decoded("reserve-stock.v1", REQUEST | {"gift": True}).effect, DecideStock)


BAD_FIELDS: list[tuple[str, dict[str, Any]]] = [
    ("product.registered.v1", {"version": 2**63}),
    ("product.registered.v1", {"version": 0}),
    ("product.registered.v1", {"version": -1}),
    ("product.registered.v1", {"unit_price_cents": 2**63}),
    ("product.registered.v1", {"unit_price_cents": -1}),
    ("product.registered.v1", {"name": "a\0b"}),
    ("product.registered.v1", {"name": ""}),
    ("product.registered.v1", {"name": "x" * 201}),
    ("product.registered.v1", {"product_id": "te\0a"}),
    ("product.registered.v1", {"product_id": "tea\n"}),
    ("product.registered.v1", {"instance": "nowhere"}),
    ("product.registered.v1", {"instance": "../x"}),
    ("reserve-stock.v1", {"order_version": 2**63}),
    ("reserve-stock.v1", {"order_version": 1.5}),
    ("reserve-stock.v1", {"instance": "nowhere"}),
    ("reserve-stock.v1", {"instance": "order-1"}),
    ("reserve-stock.v1", {"home": "order-2"}),
    ("reserve-stock.v1", {"wanted": "EATEN"}),
    ("reserve-stock.v1", {"wanted": "RELEASED"}),
    ("reserve-stock.v1", {"order_id": "order-2-\0"}),
    ("reserve-stock.v1", {"goods": []}),
    ("reserve-stock.v1", {"goods": None}),
    ("reserve-stock.v1", {"goods": [{"product_id": "tea", "quantity": 1}] * 2}),
    ("reserve-stock.v1", {"goods": [{"product_id": f"t{n}", "quantity": 1} for n in range(101)]}),
    *[
        ("reserve-stock.v1", {"goods": [{"product_id": "tea", "quantity": quantity}]})
        for quantity in (-5, 0, 10**6 + 1, 2**31, 2**63, 2**64, 1e30, "2", None, True)
    ],
    ("stock-reserved.v1", {"home": "nowhere"}),
    ("stock-reserved.v1", {"instance": "order-2"}),
    ("stock-reserved.v1", {"held": "REFUSED"}),
    ("stock-reserved.v1", {"held": 1}),
    ("stock-reserved.v1", {"reason": "a\0"}),
    ("stock-reserved.v1", {"order_version": -(2**63)}),
]


@pytest.mark.parametrize(("event", "fields"), BAD_FIELDS)
def test_a_field_out_of_its_bounds_makes_a_dead_letter(event: str, fields: dict[str, Any]) -> None:
    subject, name = SUBJECTS[event]
    payload = subject | fields
    found = decoded(event, payload, key=envelope(payload[name]))
    assert isinstance(found.effect, RecordDeadLetter), found.effect
    assert found.effect.reason
    assert found.effect.incoming.value == envelope(payload)


@pytest.mark.parametrize(
    "changes",
    [
        {"key": None},
        {"key": b""},
        {"key": b"tea"},
        {"key": envelope("coffee")},
        {"key": b"\xff"},
        {"value": b""},
        {"value": b"null"},
        {"value": b"{}"},
        {"value": b'{"schema":' + b"[" * 5_000 + b"]" * 5_000 + b',"payload":{}}'},
        {"value": b'{"payload":' + b"[" * 100_000},
        {"value": envelope(REQUEST)[:-20]},
        {"value": b"\xff\xfe" + envelope(REQUEST)},
        {"headers": [("ce_type", None)]},
        {"headers": [("ce_type", b"\xff")]},
        {"headers": [("ce_type", b"reserve-stock.v1"), ("traceparent", None)]},
        {"headers": [("ce_type", b"reserve-stock.v1"), ("\udcff", b"")]},
        {"headers": [("ce_type", b"order.placed.v1")]},
        {"headers": [("ce_type", b"release-stock.v1"), ("ce_type", b"reserve-stock.v1")]},
        {"headers": [("ce_type", b"product.repriced.v1"), ("ce_type", b"product.registered.v1")]},
        {"headers": []},
    ],
)
@pytest.mark.parametrize("event", ["reserve-stock.v1", "product.registered.v1"])
def test_a_record_that_is_no_message_makes_a_dead_letter(event: str, changes: dict[str, Any]) -> None:
    found = decoded(event, SUBJECTS[event][0], **changes)
    if event.startswith("product") and changes == {"headers": []}:
        assert isinstance(
            found.effect, RefreshOffer
        )  # what is told of a product does not depend on the event
        return
    assert isinstance(found.effect, RecordDeadLetter), found.effect


def test_a_product_s_tombstone_changes_nothing() -> None:
    assert isinstance(incoming(record(b"k", None, []), DECODING.product).effect, Nothing)


def test_a_trace_that_is_none_is_not_passed_on() -> None:
    headers = [("ce_type", b"reserve-stock.v1"), ("traceparent", b"\0" * 500)]
    found = decoded("reserve-stock.v1", REQUEST, headers=headers)
    assert (type(found.effect), found.trace) == (DecideStock, "")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
names = st.text(st.characters(), max_size=8) | st.sampled_from(["ce_type", "traceparent", "ce_id"])
headers = st.lists(
    st.tuples(
        names, st.none() | st.binary(max_size=8) | st.sampled_from([event.encode() for event in SUBJECTS])
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(
    event=st.sampled_from(list(SUBJECTS)),
    changes=st.data(),
    key=st.none() | st.binary(max_size=20) | json_values.map(envelope),
    extra=headers,
)
def test_nothing_that_a_record_holds_raises(
    event: str, changes: st.DataObject, key: bytes | None, extra: list[tuple[str, bytes | None]]
) -> None:
    subject, name = SUBJECTS[event]
    fields = changes.draw(st.dictionaries(st.sampled_from(sorted(subject)), json_values, max_size=3))
    value = changes.draw(st.just(envelope(subject | fields)) | st.none() | st.binary(max_size=60))
    made = record(key, value, [("ce_type", event.encode()), *extra])
    for effect_of in (DECODING.product, DECODING.inbox):
        found = incoming(made, effect_of)
        assert (found.key, found.value, found.offset) == (key, value, 7)
        found.effect.needs()
        msgspec.json.encode(found.effect.reason if isinstance(found.effect, RecordDeadLetter) else name)
