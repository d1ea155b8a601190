"""Connect's Decimal in Python: exact, and within the bounds of PostgreSQL's numeric."""

import math
import re
import struct
from decimal import Decimal

MOST_SCALE = 16_383  # digits after the point that numeric can hold; written out, more would fill the memory
SHORT = 100  # numbers below have six digits at most where they have four after the point: every float32 keeps them

# What is a floating-point number and none of JSON's, as the text that Connect's JsonConverter writes.
NON_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

# What PostgreSQL reads as a numeric, in its own digits; Python's Decimal takes more: digits of every script, `snan`, `1__0`.
# Possessive, so that a long text which is no number is told by going through it once.
_DIGITS = r"\d++(?:_\d++)*+"
_NUMERIC_TEXT = re.compile(
    rf"[+-]?(({_DIGITS}\.?({_DIGITS})?|\.{_DIGITS})(e[+-]?{_DIGITS})?|inf|infinity)|nan",
    re.ASCII | re.IGNORECASE,
)
_OF_OTHER_BASE = re.compile(
    r"[+-]?(?:0x(?:_?[0-9a-f])++|0o(?:_?[0-7])++|0b(?:_?[01])++)", re.ASCII | re.IGNORECASE
)
_MOST_BITS = 435_412  # of 131,072 digits, the most that numeric takes before the point
_BLANKS = " \t\n\v\f\r"


class DecimalRangeError(ValueError):
    """A number whose exponent no numeric can hold."""


def bounded(number: Decimal) -> Decimal:
    """The number itself. Raises `DecimalRangeError` for a scale beyond ±16,383, and for what is no number."""
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise DecimalRangeError(f"{number} is no decimal number")
    if not -MOST_SCALE <= exponent <= MOST_SCALE:
        raise DecimalRangeError(
            f"a number of scale {-exponent}; numeric takes a scale from {-MOST_SCALE} to {MOST_SCALE}"
        )
    return number


def numeric_of(text: str) -> Decimal:
    """The number that PostgreSQL reads in a text. Raises `ValueError` for one that it refuses."""
    bare = text.strip(_BLANKS)
    if _NUMERIC_TEXT.fullmatch(bare):
        return Decimal(bare)
    found = _OF_OTHER_BASE.fullmatch(bare)
    if found is None:
        raise ValueError(f"{text[:40]!r} is no number")
    number = int(bare, 0)
    if number.bit_length() > _MOST_BITS:
        raise ValueError("a number of more digits than numeric takes")
    return Decimal(number)


def unscaled_decimal(data: bytes, scale: int) -> Decimal:
    """Connect's Decimal: a big-endian two's complement integer, to be divided by ten to the power of `scale`.

    Raises `DecimalRangeError` for a scale beyond ±16,383, and for no byte at all: no number is written so.
    """
    if not data:
        raise DecimalRangeError("a Decimal of no byte, which is no number")
    if abs(scale) > MOST_SCALE:
        raise DecimalRangeError(
            f"a number of scale {scale}; numeric takes a scale from {-MOST_SCALE} to {MOST_SCALE}"
        )
    sign, digits, _ = Decimal(int.from_bytes(data, "big", signed=True)).as_tuple()
    return Decimal((sign, digits, -scale))


def whole(number: Decimal | float) -> int:
    """The integer that a number is, 5 for 5.0. Raises `ValueError` when it has a fraction or more than 19 digits."""
    exact = Decimal(number) if isinstance(number, float) else number
    if not exact.is_finite() or exact.adjusted() > 18 or exact != exact.to_integral_value():  # noqa: PLR2004 - of int64
        raise ValueError(f"{number} where a whole number of 64 bits is expected")
    return int(exact)


def non_finite_text(value: float) -> str:
    """The text of `NON_FINITE` for a number that is not finite."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def shortest_single(value: float) -> float:
    """The double with the fewest digits among those whose nearest float32 is that of this value: 0.1 for 0.10000000149011612.

    Raises `ValueError` for a value beyond every float32.
    """
    if value - value != 0 or (abs(value) < SHORT and value == round(value, 4)):
        return value
    nearest = single(value)
    if math.isinf(nearest):
        raise ValueError(f"{value} is out of the range of a float")
    for digits in range(1, 10):
        candidate = float(f"{nearest:.{digits}g}")
        if single(candidate) == nearest:
            return candidate
    return nearest


def single(value: float) -> float:
    """The nearest float32; infinite beyond the largest."""
    try:
        return float(struct.unpack("f", struct.pack("f", value))[0])
    except OverflowError:
        return math.copysign(math.inf, value)
