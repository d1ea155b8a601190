"""Texts that become numbers, as Java's parsers read them."""

import math

import pytest

from sink_connector.data.record import Type
from sink_connector.transforms.data import UnfitRecordError
from sink_connector.transforms.java.casting import CASTS


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0x1.8p1", 3.0),
        ("-0X.8P-1", -0.25),
        ("0x1p4d", 16.0),
        ("0x1p99999", math.inf),
        ("-0x1p99999f", -math.inf),
        ("1e400", math.inf),
        (".5e1F", 5.0),
        (" 1.5\n", 1.5),
        ("\x001", 1.0),
        ("-Infinity", -math.inf),
    ],
)
def test_a_text_becomes_the_number_that_java_reads(text: str, number: float) -> None:
    assert CASTS[Type.FLOAT64](text) == number


@pytest.mark.parametrize(
    "text",
    [
        "0x1.8",
        "0x1",
        "0xp1",
        "NaNf",
        "Infinityd",
        "nan",
        "infinity",
        "1_000",
        "\uff11",
        "\xa01",
        "1 2",
        ".",
        "",
        "1e",
    ],
)
def test_a_text_that_java_refuses_is_refused(text: str) -> None:
    with pytest.raises(UnfitRecordError):
        CASTS[Type.FLOAT64](text)


@pytest.mark.parametrize("text", [" 1", "1_0", "0x1F", "1.0", "+", "", "1L"])
def test_a_text_that_is_no_integer_of_javas_is_refused(text: str) -> None:
    with pytest.raises(UnfitRecordError):
        CASTS[Type.INT32](text)


def test_a_long_text_that_is_no_number_is_told_as_soon_as_it_is_read() -> None:
    with pytest.raises(UnfitRecordError):
        CASTS[Type.FLOAT64]("1" * 100_000 + "x")
