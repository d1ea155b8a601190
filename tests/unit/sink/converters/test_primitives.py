"""Connect's converters of single values: the value, or one bad record."""

import math
from typing import Any

import pytest

from sink_connector.config.connector import ConverterConfig
from sink_connector.converters.factory import CONVERTERS, make_converter
from sink_connector.errors import BadRecordError

CONNECT = "org.apache.kafka.connect."


def read(name: str, data: bytes, **options: str) -> Any:
    config = ConverterConfig(class_name=f"{CONNECT}{name}", options={"converter.encoding": "UTF-8"} | options)
    decoded = make_converter(config, is_key=False).decode("t", data, ())
    return decoded.value


@pytest.mark.parametrize(
    ("name", "data", "expected"),
    [
        ("storage.StringConverter", "größe".encode(), "größe"), ("storage.StringConverter", b"", ""),
        ("converters.ByteArrayConverter", b"\xff\0", b"\xff\0"), ("converters.BooleanConverter", b"\x01", True),
        ("converters.ShortConverter", b"\xff\xff", -1), ("converters.IntegerConverter", b"\x80\0\0\0", -(2**31)),
        ("converters.LongConverter", b"\x7f" + b"\xff" * 7, 2**63 - 1), ("converters.FloatConverter", b"\x3f\x80\0\0", 1.0),
        ("converters.DoubleConverter", b"\x7f\xf0" + bytes(6), math.inf),
    ],
)  # fmt: skip
def test_a_value_is_read(name: str, data: bytes, expected: Any) -> None:
    assert read(name, data) == expected


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("storage.StringConverter", b"\xff"), ("converters.BooleanConverter", b""), ("converters.BooleanConverter", b"\x02"),
        ("converters.ShortConverter", b"\0"), ("converters.IntegerConverter", b""), ("converters.IntegerConverter", bytes(8)),
        ("converters.LongConverter", bytes(4)), ("converters.FloatConverter", bytes(8)), ("converters.DoubleConverter", b"1.5"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_such_value_are_a_bad_record(name: str, data: bytes) -> None:
    with pytest.raises(BadRecordError):
        read(name, data)


@pytest.mark.parametrize(
    ("encoding", "data"),
    [
        ("ISO-8859-1", b"gr\xf6\xdfe"), ("windows-1252", b"gr\xf6\xdfe"), ("UTF-16", "größe".encode("utf-16-be")),
        ("UTF-16", b"\xff\xfe" + "größe".encode("utf-16-le")), ("UTF-16LE", "größe".encode("utf-16-le")), ("UTF8", "größe".encode()),
    ],
)  # fmt: skip
def test_a_text_is_read_by_its_encoding_as_java_does(encoding: str, data: bytes) -> None:
    assert read("storage.StringConverter", data, **{"converter.encoding": encoding}) == "größe"


@pytest.mark.parametrize("encoding", ["", "no such", "hex"])
def test_an_encoding_that_nobody_knows_is_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match="no encoding"):
        read("storage.StringConverter", b"", **{"converter.encoding": encoding})


@pytest.mark.parametrize("name", CONVERTERS)
def test_a_converter_is_found_by_its_short_names_as_a_plugin_of_connect(name: str) -> None:
    last = name.rpartition(".")[2]
    options = {"schema.registry.url": "http://127.0.0.1:1"}
    whole, *short = (
        make_converter(ConverterConfig(class_name=each, options=options), is_key=False)
        for each in (name, last, last.removesuffix("Converter"))
    )
    assert {type(each) for each in short} == {type(whole)}
