"""JSON without loss: a number with a point or an exponent is a Decimal with every digit that was written."""

import re
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec

_plain = msgspec.json.Encoder(decimal_format="number")
_ordered = msgspec.json.Encoder(decimal_format="number", order="deterministic")
# Whole numbers of more digits than the parser takes, and texts, in which digits mean nothing.
_LONG_NUMBERS = re.compile(rb'"(?:[^"\\]|\\.)*+"?|(?<![\d.eE+-])(-?\d{4301,}+)(?![.eE])', re.DOTALL)


def _decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise ValueError(f"the exponent of {text[:40]} is beyond every number") from error


_parse = msgspec.json.Decoder(float_hook=_decimal).decode


def parse_exact(text: bytes | msgspec.Raw) -> Any:
    """The value of a JSON text; a whole number of more than 4,300 digits is a Decimal, too. Raises `ValueError`."""
    try:
        return _parse(text)
    except msgspec.ValidationError:
        return _parse(_LONG_NUMBERS.sub(_with_exponent, bytes(text)))


def encode_exact(value: Any, *, order: Literal["deterministic"] | None = None) -> bytes:
    """The value as JSON text, a Decimal as a number; with `order` equal values have equal texts."""
    return (_plain if order is None else _ordered).encode(value)


def _with_exponent(found: re.Match[bytes]) -> bytes:
    return found[0] if found[1] is None else found[0] + b"e0"
