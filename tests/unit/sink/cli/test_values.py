"""Bytes, values and schemas as a person reads them."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from aiokafka import TopicPartition

from sink_connector.cli.record_steps import changes
from sink_connector.cli.topic_reader import Extent, shares
from sink_connector.cli.values import bytes_as_json, bytes_as_text, plain, schema_text, shortened, text_of
from sink_connector.data.record import DECIMAL, Field, Header, Record, Schema, Type

FIRST_LINE = "00000000  00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f  ................"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"ada", "ada"),
        ("ü".encode(), "ü"),
        (b"\x00\x01a\xff", "00000000  00 01 61 ff                                      ..a."),
        (bytes(range(17)), f"{FIRST_LINE}\n00000010  10                                               ."),
        (b"a" * 600, "a" * 512 + "… (600 bytes)"),
        (("a" * 511 + "ü" * 9).encode(), "a" * 511 + "… (529 bytes)"),
    ],
)  # fmt: skip
def test_bytes_are_a_text_or_a_hexdump(data: bytes, text: str) -> None:
    assert bytes_as_text(data) == text


def test_bytes_for_a_machine() -> None:
    assert bytes_as_json(None) is None
    assert bytes_as_json(b"ada") == {"size": 3, "text": "ada"}
    assert bytes_as_json(b"\xff" * 1000, most=2) == {"size": 1000, "hex": "ffff"}


def test_values_keep_every_digit_and_are_cut_when_long() -> None:
    assert text_of({"d": Decimal("12345678901234567.89"), "b": b"\x01", "f": float("nan"), 1: [None]}) == (
        '{"d":12345678901234567.89,"b":"\\\\x01","f":"nan","1":[null]}'
    )
    assert plain([date(2026, 1, 2), time(3, 4), datetime(2026, 1, 2, tzinfo=UTC)]) == [
        "2026-01-02",
        "03:04:00",
        "2026-01-02T00:00:00+00:00",
    ]
    assert shortened("x" * 1000, most=3) == "xxx… (1,000 characters)"


TEXT = Schema(type=Type.STRING)
MONEY = Schema(type=Type.BYTES, name=DECIMAL, parameters=(("scale", "2"),), optional=True)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (None, "no schema"),
        (MONEY, "Decimal(2)?"),
        (Schema(type=Type.ARRAY, items=TEXT), "array<string>"),
        (Schema(type=Type.MAP, keys=TEXT, items=MONEY), "map<string, Decimal(2)?>"),
        (Schema(type=Type.INT64, name="org.apache.kafka.connect.data.Timestamp"), "int64(Timestamp)"),
        (Schema(type=Type.INT32, has_default=True, default=7), "int32 = 7"),
        (Schema(type=Type.STRUCT, fields=(Field("a", TEXT),)), "struct{a: string}"),
    ],
)
def test_a_schema_stands_on_one_line(schema: Schema | None, text: str) -> None:
    assert schema_text(schema) == text


def test_what_a_transform_changed() -> None:
    one = Record(
        topic="t", partition=0, offset=1, timestamp=5, key_schema=TEXT, key="k",
        value_schema=None, value={"a": 1, "b": True, "c": None}, headers=(Header("h", "1"),),
    )  # fmt: skip
    other = Record(
        topic="u", partition=0, offset=1, timestamp=5, key_schema=None, key=None,
        value_schema=None, value={"a": 1, "b": 1, "d": None}, headers=(),
    )  # fmt: skip
    assert changes(one, one) == []
    assert changes(one, other) == [
        {"where": "topic", "before": "t", "after": "u"},
        {"where": "key", "before": "k", "after": None},
        {"where": "key schema", "before": "string", "after": "no schema"},
        {"where": "value.b", "before": True, "after": 1},
        {"where": "value.c", "before": None},
        {"where": "value.d", "after": None},
        {"where": "headers", "before": [["h", "1"]], "after": []},
    ]


@pytest.mark.parametrize(
    ("sizes", "most", "found"),
    [
        ([10, 10], 4, [2, 2]),
        ([10, 10], 3, [2, 1]),
        ([1, 10], 6, [1, 5]),
        ([0, 2], 100, [0, 2]),
        ([0, 0], 5, [0, 0]),
        ([5], 0, [0]),
    ],
)
def test_records_are_shared_out_evenly(sizes: list[int], most: int, found: list[int]) -> None:
    extents = {TopicPartition("t", place): Extent(100, 100 + size) for place, size in enumerate(sizes)}
    assert list(shares(extents, most).values()) == found
