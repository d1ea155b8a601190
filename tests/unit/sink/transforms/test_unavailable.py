"""The placeholder of a column that the source had not at hand is found in columns wherever `available` finds it in a row."""

import json
from typing import Any

import msgspec
import pytest

from sink_connector.config.definition import UNAVAILABLE
from sink_connector.data.record import Field, Record, Schema, Type
from sink_connector.transforms.unavailable import Placeholder

PLACEHOLDER = Placeholder()

TEXT = Schema(type=Type.STRING)
ROW = Schema(
    type=Type.STRUCT,
    fields=(
        Field("id", Schema(type=Type.INT64)),
        Field("text", TEXT),
        Field("data", Schema(type=Type.BYTES)),
        Field("texts", Schema(type=Type.ARRAY, items=TEXT)),
        Field("map", Schema(type=Type.MAP, keys=TEXT, items=TEXT)),
    ),
)
PLAIN: dict[str, Any] = {"id": 1, "text": "t", "data": b"d", "texts": ["a"], "map": {"k": "v"}}
UUID = "b68a35a7-17ad-35b3-af2a-ae46edb4545a"  # Java's UUID.nameUUIDFromBytes of it
MISSING = [
    {},
    {"text": UNAVAILABLE},
    {"data": UNAVAILABLE.encode()},
    {"texts": [UNAVAILABLE]},
    {"texts": list(UNAVAILABLE.encode())},
    {"texts": [UNAVAILABLE.encode()]},
    {"texts": [UUID]},
    {"map": {UNAVAILABLE: UNAVAILABLE}},
    {"text": f'{{"{UNAVAILABLE}":"{UNAVAILABLE}"}}'},
    {"text": UNAVAILABLE + "!"},
    {"texts": ["a", UNAVAILABLE]},
]


@pytest.mark.parametrize("missing", MISSING, ids=str)
def test_a_column_holds_it_where_a_row_lacks_it(missing: dict[str, Any]) -> None:
    row = PLAIN | missing
    record = Record(
        topic="t", partition=0, offset=0, timestamp=None, key_schema=None, key=None,
        value_schema=ROW, value=row, headers=(),
    )  # fmt: skip
    cells = [(PLAIN[name], value) for name, value in row.items()]
    assert PLACEHOLDER.is_in(ROW, cells) is (PLACEHOLDER.without(record) is not record)


def test_a_map_that_is_not_parsed_is_looked_into() -> None:
    text = msgspec.Raw(json.dumps({UNAVAILABLE: UNAVAILABLE}).encode())
    assert PLACEHOLDER.is_in(ROW, [(1,), ("t",), (b"d",), (["a"],), (text,)])


def test_the_bytes_of_a_value_are_searched_for_all_its_spellings() -> None:
    assert PLACEHOLDER.may_be_in(json.dumps({"text": UNAVAILABLE}).encode())
    assert PLACEHOLDER.may_be_in(msgspec.json.encode({"data": UNAVAILABLE.encode()}))
    assert PLACEHOLDER.may_be_in(msgspec.json.encode({"numbers": list(UNAVAILABLE.encode())}))
    assert PLACEHOLDER.may_be_in(json.dumps({"numbers": list(UNAVAILABLE.encode())}).encode())
    assert PLACEHOLDER.may_be_in(json.dumps({"uuids": [UUID]}).encode())
    assert not PLACEHOLDER.may_be_in(b'{"text":"available"}')


def test_a_source_may_have_another_placeholder() -> None:
    text = 'n/a "größe"'
    row = {"id": 1, "text": text, "data": text.encode(), "texts": [text], "map": {text: text}}
    record = Record(
        topic="t", partition=0, offset=0, timestamp=None, key_schema=None, key=None,
        value_schema=ROW, value=row, headers=(),
    )  # fmt: skip
    assert Placeholder(text).without(record).value == {"id": 1}
    assert PLACEHOLDER.without(record) is record
    assert Placeholder(text).may_be_in(msgspec.json.encode({"text": text}))
