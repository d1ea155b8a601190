"""Floating-point numbers of four bytes in as many digits as they have."""

import pytest

from sink_connector.data.decimals import shortest_single


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
