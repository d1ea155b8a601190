"""Floating-point numbers of four bytes in as many digits as they have."""

from decimal import Decimal

import pytest

from sink_connector.data.decimals import numeric_of, shortest_single


@pytest.mark.parametrize(
    ("value", "digits"),
    [
        (0.10000000149011612, "0.1"),
        (0.1, "0.1"),
        (16_777_217.0, "16777216.0"),
        (123_456.7891, "123456.79"),
        (99.9999, "99.9999"),
        (3.4028234663852886e38, "3.4028235e+38"),
        (-3.4028235e38, "-3.4028235e+38"),
        (1.401298464324817e-45, "1e-45"),
        (-0.0, "-0.0"),
        (float("inf"), "inf"),
    ],
)
def test_a_float32_is_written_in_the_fewest_digits_that_tell_it_from_others(
    value: float, digits: str
) -> None:
    assert repr(shortest_single(value)) == digits


def test_what_is_beyond_every_float32_is_refused() -> None:
    with pytest.raises(ValueError, match="out of the range"):
        shortest_single(1e39)


@pytest.mark.parametrize(
    "text",
    [
        "0x" + "f" * 100 + " eth",
        "0o" + "7_" * 100,
        "1" * 100_000 + "x",
        "1_" * 50_000,
        "0x" + "f" * 1_000_000,
    ],
    ids=["of base 16", "of base 8", "digits", "digits in groups", "too many digits"],
)
def test_a_long_text_that_is_no_number_is_told_as_soon_as_it_is_read(text: str) -> None:
    with pytest.raises(ValueError, match=r"no number|more digits"):
        numeric_of(text)


@pytest.mark.parametrize(
    ("text", "number"), [("0xFF", 255), ("-0b1_0", -2), ("+1_0.5_0e-1", "1.050"), (".5", "0.5")]
)
def test_a_text_is_the_number_that_postgresql_reads(text: str, number: str | int) -> None:
    assert numeric_of(text) == Decimal(number)
