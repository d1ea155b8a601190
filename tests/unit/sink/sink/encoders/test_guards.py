"""What is looked at of texts before they are sent: as the server reads them, and in no more time than their length asks for."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from time import process_time
from typing import Any

import pytest

from sink_connector.data import decimals
from sink_connector.data.record import Schema, Type
from sink_connector.data.record_schema import Form
from sink_connector.errors import BadRecordError
from sink_connector.sink.encoders import guards, literals, untyped_values
from sink_connector.sink.encoders.column_values import hstore
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.table_metadata import Column

LENGTH, FACTOR = 20_000, 8  # of a text, and how much longer one of twice that may take
ENOUGH_S = 0.05  # below which there is nothing to compare
PIECES = (
    "a", "1", "-", "+", ",", "1,", "0", "0x", ".", " ", '"', "'", "\\", '\\"', "\\'", "=", "=>", "a=", "a=>", '"a"=>', ":", "a:1",
    ":1,", "1e", "_", "1_", "(", ")", "{", "}", "[", '""', '"\\', "''", "{a", "a,", "\n", "a=>1,", "$",
)  # fmt: skip


def texts(length: int) -> Iterator[str]:
    for piece in PIECES:
        for before, after in (("", ""), ('"', ""), ("'", ""), ("{", "x"), ("k=>", "=")):
            yield before + piece * (length // len(piece)) + after


def column(name_of_type: str, **more: Any) -> Column:
    return Column(
        name="x",
        type=name_of_type,
        base_type=name_of_type,
        not_null=False,
        has_default=False,
        generated=False,
        **more,
    )


def check(kind: str, text: str, **more: Any) -> None:
    wire = encoder_of(Schema(type=Type.STRING, optional=True), Form.CONNECT, column(kind, **more))
    if wire.encode is not None:
        wire.encode([text])


def reads() -> dict[str, Callable[[str], object]]:
    """Whatever goes through a text: every pattern in each way, and the functions that go on with what it found."""
    found: dict[str, Callable[[str], object]] = {}
    for module in (guards, literals, untyped_values, decimals):
        for name, value in vars(module).items():
            for pattern in value.values() if isinstance(value, dict) else [value]:
                if isinstance(pattern, re.Pattern):
                    found[f"{module.__name__}.{name} {pattern.pattern}"] = pattern.match
    for kind in ("hstore", "tsvector", "money", "point", "oid", "real[]", "numeric", "cube"):
        found[kind] = partial(check, kind)
    for function in (literals.array_elements, literals.record_fields, literals.range_parts, literals.ranges):
        found[function.__name__] = function
    return found


def time_of(read: Callable[[str], object], text: str) -> float:
    begun = process_time()
    with suppress(ValueError, BadRecordError, RecursionError):
        read(text)
    return process_time() - begun


@pytest.mark.timeout(120)
@pytest.mark.parametrize("read", reads().values(), ids=reads())
def test_a_text_is_gone_through_in_the_time_of_its_length(read: Callable[[str], object]) -> None:
    for shorter, longer in zip(texts(LENGTH), texts(2 * LENGTH), strict=True):
        once = time_of(read, shorter)
        assert once < 1, shorter[:20]
        if (twice := time_of(read, longer)) > ENOUGH_S:
            assert min(twice, time_of(read, longer)) < FACTOR * max(once, ENOUGH_S / FACTOR), shorter[:20]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("hstore", r'"\"" => 1, "\\" => 2'), ("hstore", r'a\"=>1,a\\=>2'), ("hstore", '"a"=>1,"a\\""=>2,a"=>3'.replace(',a"', ',b"')),
        ("hstore", "a,b=>1,b=>2"), ("hstore", 'k=>a"k=>1'), ("hstore", 'k=>"k=>1"'), ("hstore", ""), ("hstore", hstore({'a"': "1", "a\\": "2"})),
        ("hstore", hstore({"a\n=>": None, "a": 'x",a=>1'})),
        ("tsvector", r"'\':99999' b:1"), ("tsvector", "'a:99999':16383A,1 b"), ("tsvector", "'':99999' b"), ("tsvector", "a:00016383b,4* 'b'c:2"),
        ("oid", "00"), ("oid", "0"), ("regclass", " 000 "), ("xid", "0"),
    ],
)  # fmt: skip
def test_what_the_server_keeps_is_let_through(kind: str, text: str) -> None:
    check(kind, text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("hstore", 'a"=>1, a\\"=>2'), ("hstore", '"a"=>1,a =>2'), ("hstore", 'a\\b=>1,"ab"=>2'), ("hstore", "a=>b=c,a=>d"),
        ("hstore", ",a=>1,\\,a=>2"), ("tsvector", r"a\'b:99999 'c':1"), ("tsvector", "a'b:99999 'c'"), ("tsvector", "'a'b:99999"),
        ("tsvector", "a:1,2b,16384"), ("tsvector", "a:1\u3000b:99999"), ("tsvector", "a:" + "9" * 5000), ("tsvector", "'a\\'':99999"),
        ("tsvector", ":a:99999"), ("tsvector", "a\\ b:99999"), ("oid", "010"), ("oid", "00100"), ("oid", "-1"),
    ],
)  # fmt: skip
def test_what_the_server_would_change_is_refused(kind: str, text: str) -> None:
    with pytest.raises(BadRecordError):
        check(kind, text)


@pytest.mark.parametrize("text", ["1,50", "1.234,50", "-12,5", "3"])
def test_an_amount_is_read_by_the_comma_or_point_of_the_database(text: str) -> None:
    check("money", text, has_decimal_comma=True)
    check("money[]", '{"' + text + '"}', has_decimal_comma=True)
    if "," in text:
        with pytest.raises(BadRecordError):
            check("money", text)


@pytest.mark.parametrize("text", ["1.50", "1,239", "1,234.50"])
def test_an_amount_that_the_database_would_read_as_another_is_refused(text: str) -> None:
    with pytest.raises(BadRecordError):
        check("money", text, has_decimal_comma=True)


@pytest.mark.parametrize("kind", ["integer", "bigint", "numeric"])
def test_a_range_whose_bounds_the_server_reads_right_goes_as_it_is(kind: str) -> None:
    given = column("some_range", kind="r", parts=(column(kind),))
    wire = encoder_of(Schema(type=Type.STRING, optional=True), Form.CONNECT, given)
    assert (wire.type, wire.template) == ("text", None)


def test_an_array_of_nothing_odd_is_read_at_once() -> None:
    floats = ",".join(f"0.{number}" for number in range(1_000, 2_536))
    assert literals.array_elements(f" {{ {floats} , null,NULL }} ")[-3:] == ["0.2535", None, None]
    assert literals.array_elements("{ }") == []
    assert literals.array_elements("{(1,1);a}", ";") == ["(1,1)", "a"]
    for wrong in ("{,}", "{a,}", "{a", "a}", "", "{", "}", "{}}"):
        with pytest.raises(ValueError, match="e"):
            literals.array_elements(wrong)
