"""Whatever stands in a record: it is a change that the catalog can show, or it is refused. There is no third way."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog_service.changefeed.change import (
    FOREIGN_INSTANCE,
    Change,
    UnreadableRecordError,
    read_change,
)
from catalog_service.http.models import Order, Product

SAMPLES = Path(__file__).parents[4] / "contracts" / "samples"
ORDER = json.loads((SAMPLES / "order.placed.v1.json").read_text())
PRODUCT = json.loads((SAMPLES / "product.registered.v1.json").read_text())
LONG = 10_000

leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**12, 10**400, 0, -1]),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["\x00", "\ud800", "\\u0000", "order-2", "ord", "order-2-", "<b>"]),
)
anything = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def read(topic: str, value: bytes | None, *, timestamp_ms: int = 0) -> Change:
    return read_change(
        topic=topic, partition=0, offset=0, value=value, kind="", timestamp_ms=timestamp_ms, seen_ms=0
    )


def shown_or_refused(topic: str, value: bytes | None) -> Change | None:
    try:
        change = read(topic, value)
    except UnreadableRecordError:
        return None
    model = Order if topic == "orders" else Product
    shown = json.loads(change.body)
    model.model_validate(shown)
    assert 1 <= shown["version"] <= 10**12
    assert all(-(2**63) <= number < 2**63 for number in shown.values() if isinstance(number, int))
    assert "\x00" not in str(shown)
    return change


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["orders", "products"]), st.binary(max_size=200) | st.none())
def test_any_bytes(topic: str, value: bytes | None) -> None:
    shown_or_refused(topic, value)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_record_with_any_field_replaced_or_left_out(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from([ORDER, PRODUCT]))
    envelope = json.loads(sample["value"])
    place: dict[str, Any] = data.draw(
        st.sampled_from([envelope, envelope["payload"], *envelope["payload"].get("lines", [])])
    )
    field = data.draw(st.sampled_from(sorted(place)))
    if data.draw(st.booleans()):
        place[field] = data.draw(anything)
    else:
        del place[field]
    shown_or_refused(sample["topic"], json.dumps(envelope).encode("utf-8", "surrogatepass"))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([ORDER, PRODUCT]), st.data())
def test_a_record_that_was_cut(sample: dict[str, Any], data: st.DataObject) -> None:
    value = sample["value"].encode()
    cut = data.draw(st.integers(0, len(value) - 1))
    assert shown_or_refused(sample["topic"], value[:cut]) is None


@pytest.mark.parametrize("sample", [ORDER, PRODUCT], ids=["order", "product"])
@pytest.mark.parametrize(
    "deep",
    [
        '{"schema":' + "[" * LONG,
        '{"schema":' + "[" * LONG + "]" * LONG + "}",
        "[" * LONG,
        '{"payload":' * LONG,
    ],
    ids=["open", "schema", "list", "payload"],
)
def test_json_of_any_depth(sample: dict[str, Any], deep: str) -> None:
    assert shown_or_refused(sample["topic"], deep.encode()) is None


@pytest.mark.parametrize("field", ["version", "total_cents", "placed_at", "updated_at"])
@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64, 10**30])
def test_a_number_that_no_column_holds(field: str, number: int) -> None:
    envelope = json.loads(ORDER["value"])
    envelope["payload"][field] = number
    assert shown_or_refused("orders", json.dumps(envelope).encode()) is None


@pytest.mark.parametrize("version", [0, -1, 10**12 + 1])
@pytest.mark.parametrize("sample", [ORDER, PRODUCT], ids=["order", "product"])
def test_a_version_that_nothing_reaches(sample: dict[str, Any], version: int) -> None:
    envelope = json.loads(sample["value"])
    envelope["payload"]["version"] = version
    assert shown_or_refused(sample["topic"], json.dumps(envelope).encode()) is None


@pytest.mark.parametrize(
    ("text", "readable"), [("a\x00b", False), ("\\u0000", True), ("\\\\u0000", True), ("\\\x00", False)]
)
def test_u0000_is_told_from_the_characters_that_spell_it(text: str, *, readable: bool) -> None:
    envelope = json.loads(ORDER["value"])
    envelope["payload"]["user_id"] = text
    assert (shown_or_refused("orders", json.dumps(envelope).encode()) is not None) is readable


@pytest.mark.parametrize("instance", ["order-9", "order", "", "order-2-01", "ORDER-2", "order-2-"])
def test_an_order_of_another_instance_than_its_id_names(instance: str) -> None:
    envelope = json.loads(ORDER["value"])
    envelope["payload"]["instance"] = instance
    with pytest.raises(UnreadableRecordError) as refused:
        read("orders", json.dumps(envelope).encode())
    assert refused.value.reason == FOREIGN_INSTANCE
