"""Casts between primitive values as Java makes them: integers wrap, floats saturate, texts must be exact."""

import math
import re
from base64 import b64encode
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from sink_connector.data.decimals import single
from sink_connector.data.instants import DAY_MS, millis_of
from sink_connector.data.record import DATE, TIME, TIMESTAMP, Schema, Type
from sink_connector.transforms.data import UnfitRecordError

BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
WHOLE = re.compile(r"[+-]?\d+")
FLOATING = re.compile(
    r"([+-]?)(?:(NaN|Infinity)|(?:((?:\d++\.?\d*+|\.\d++)(?:e[+-]?\d+)?)|(0x(?:[\da-f]+\.?|[\da-f]*\.[\da-f]+)p[+-]?\d+))[fd]?)",
    re.ASCII | re.IGNORECASE,
)
BLANKS = "".join(map(chr, range(ord(" ") + 1)))  # what Java's String.trim takes away
MOST_FLOAT32_DIGITS = 9
PLAIN_FROM, PLAIN_BELOW = 1e-3, 1e7  # Java writes other magnitudes with an exponent


def java_text(value: float, *, is_single: bool = False) -> str:
    """A floating number as Java writes it: 1.5, 1.0E10, NaN, Infinity."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    sign, digits, exponent = Decimal(_shortest(value, is_single=is_single)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0") or "0"
    point = (len(digits) + int(exponent)) if value else 1
    mark = "-" if sign else ""
    if value == 0 or PLAIN_FROM <= abs(value) < PLAIN_BELOW:
        whole = text[:point].ljust(point, "0") if point > 0 else "0"
        fraction = text[point:] if point > 0 else "0" * -point + text
        return f"{mark}{whole}.{fraction or '0'}"
    return f"{mark}{text[0]}.{text[1:] or '0'}E{point - 1}"


def _shortest(value: float, *, is_single: bool) -> str:
    if not is_single:
        return repr(value)
    candidates = (f"{value:.{digits}g}" for digits in range(1, MOST_FLOAT32_DIGITS + 1))
    return next((text for text in candidates if single(float(text)) == value), repr(value))


def _wrapped(number: int, bits: int) -> int:
    half = 1 << (bits - 1)
    return (number + half) % (1 << bits) - half


def _integer(bits: int) -> Callable[[Any], int]:
    least, most = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    # Java narrows a floating number to an int first, and only then to the smaller types.
    floor, ceiling = (-(2**63), 2**63 - 1) if bits > BITS[Type.INT32] else (-(2**31), 2**31 - 1)

    def cast(value: Any) -> int:
        match value:
            case bool() | int():
                return _wrapped(int(value), bits)
            case float():
                return _wrapped(max(floor, min(ceiling, _truncated(value))), bits)
            case Decimal():
                return _wrapped(int(value), bits)
            case str():
                if not WHOLE.fullmatch(value) or not least <= int(value) <= most:
                    raise UnfitRecordError(f"Cast: {value!r} is no integer of {bits} bits")
                return int(value)
            case datetime() | date() | time():
                return _wrapped(_encoded(value), bits)
        raise _uncastable(value)

    return cast


def _truncated(value: float) -> int:
    if math.isnan(value):
        return 0
    return int(value) if math.isfinite(value) else int(math.copysign(2**64, value))


def _double(value: Any) -> float:
    match value:
        case bool() | int() | float() | Decimal():
            return float(value)
        case str():
            return _parsed_double(value)
        case datetime() | date() | time():
            return float(_encoded(value))
    raise _uncastable(value)


def _parsed_double(text: str) -> float:
    """A number in a text as Java's parseDouble reads it: in hexadecimal digits, too, and with the letter of a type."""
    found = FLOATING.fullmatch(text.strip(BLANKS))
    if found is None or (found[2] and found[2] not in {"NaN", "Infinity"}):
        raise UnfitRecordError(f"Cast: {text!r} is no number")
    sign, word, digits, hexadecimal = found.groups()
    if not hexadecimal:
        return float(sign + (word or digits))
    try:
        return float.fromhex(sign + hexadecimal)
    except OverflowError:
        return math.copysign(math.inf, float(f"{sign}1"))


def _boolean(value: Any) -> bool:
    match value:
        case bool():
            return value
        case str():
            return value.lower() == "true"
        case int() | float() | Decimal():
            return bool(CASTS[Type.INT64](value))
        case datetime() | date() | time():
            return _encoded(value) != 0
    raise _uncastable(value)


def _string(value: Any) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float():
            return java_text(value)
        case int() | Decimal():
            return str(value)
        case bytes():
            return b64encode(value).decode()
        case datetime() | date() | time():
            return _instant_text(value)
    raise _uncastable(value)


def _instant_text(value: datetime | date | time) -> str:
    """Connect goes by the number of milliseconds alone: less than a day is a time, a whole number of days a date."""
    millis = millis_of(value)
    moment = datetime(1970, 1, 1) + timedelta(milliseconds=millis)  # noqa: DTZ001 - only its fields are written
    if millis < DAY_MS:
        return f"{moment.time().isoformat('milliseconds')}Z"
    if millis % DAY_MS == 0:
        return moment.date().isoformat()
    return f"{moment.isoformat(timespec='milliseconds')}Z"


def _encoded(value: datetime | date | time) -> int:
    """The integer behind a logical type: days of a Date, else milliseconds."""
    millis = millis_of(value)
    return millis // DAY_MS if isinstance(value, date) and not isinstance(value, datetime) else millis


def _uncastable(value: Any) -> UnfitRecordError:
    return UnfitRecordError(f"Cast: a value of type {type(value).__name__} cannot be cast to this type")


CASTS: dict[Type, Callable[[Any], Any]] = {
    **{kind: _integer(bits) for kind, bits in BITS.items()},
    Type.FLOAT32: lambda value: single(_double(value)),
    Type.FLOAT64: _double,
    Type.BOOLEAN: _boolean,
    Type.STRING: _string,
}


def caster(source: Schema, target: Type) -> Callable[[Any], Any]:
    """The cast of values of a schema; refuses structs, arrays and maps whatever their value."""
    if source.type in {Type.STRUCT, Type.ARRAY, Type.MAP}:
        raise UnfitRecordError(f"Cast: a value of type {source.type.value} cannot be cast")
    if source.type is Type.FLOAT32 and target is Type.STRING:
        return lambda value: java_text(single(value), is_single=True)
    cast = CASTS[target]
    if source.type is Type.FLOAT32:
        return lambda value: cast(single(value))
    if source.logical in {DATE, TIME, TIMESTAMP} and target is not Type.STRING:
        per_unit = DAY_MS if source.logical == DATE else 1
        return lambda value: cast(millis_of(value) // per_unit)
    return cast
