"""JSON without loss: a number with a point or an exponent is a Decimal with every digit that was written."""

from decimal import Decimal
from typing import Any, Literal

import msgspec

parse_exact = msgspec.json.Decoder(float_hook=Decimal).decode
_plain = msgspec.json.Encoder(decimal_format="number")
_ordered = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def encode_exact(value: Any, *, order: Literal["deterministic"] | None = None) -> bytes:
    """The value as JSON text, a Decimal as a number; with `order` equal values have equal texts."""
    return (_plain if order is None else _ordered).encode(value)
