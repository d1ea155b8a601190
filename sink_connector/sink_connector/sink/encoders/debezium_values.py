"""Encoders for Debezium's semantic types, for values in the Python form of `record.py`.

Source: Debezium's documentation of its connectors' data type mappings; the names are those of the schemas.
"""

import re
import struct
from collections.abc import Callable
from decimal import Decimal
from functools import partial
from typing import Any

import msgspec

from sink_connector.data.record import Schema, Type
from sink_connector.data.semantic_types import (
    BITS,
    ENUM_SET,
    GEOMETRIES,
    ISO_DATE,
    ISO_TIME,
    ISO_TIMESTAMP,
    JSON_TEXT,
    MICRO_DURATION,
    NANO_DURATION,
    POINT,
    SPARSE_VECTOR,
    TEXT_TYPES,
    TIMES,
    VARIABLE_SCALE_DECIMAL,
    YEAR,
    ZONED_TIME,
    ZONED_TIMESTAMP,
    variable_scale,
)
from sink_connector.sink.encoders.column_values import bare_name, hstore, is_hstore
from sink_connector.sink.encoders.encoder import INTEGERS, PRIMITIVES, TEXTS, Encoder, each, refused, scale_of
from sink_connector.sink.table_metadata import Column

LONGEST_BITS = 2**31 - 1  # Debezium's word for a bit varying without a length
DAY_US = 86_400_000_000
SRID_FLAG = 0x20000000  # of PostGIS's extended WKB
NUMBERS = INTEGERS | {"numeric", "real", "double precision", "money"} | TEXTS
WHOLE_NUMBERS = INTEGERS | {"numeric"}
INSTANTS_AND_DAYS = tuple(
    f"io.debezium.time.{name}" for name in ("Timestamp", "MicroTimestamp", "NanoTimestamp", "Date")
)
_PAIRS = msgspec.json.Decoder(dict[str, str | None])
JSON = frozenset({"json", "jsonb"})
# `INFINITE_US` and `INFINITE_DAYS` as texts, with time.precision.mode=isostring.
_INFINITE_TEXTS = {
    "+294247-01-10T04:00:25.2Z": "infinity",
    "-290308-12-21T19:59:27.6Z": "-infinity",
    "-5877611-06-21Z": "infinity",
    "-5877611-06-22Z": "-infinity",
    "+292278994-08-16Z": "infinity",
    "+292269055-12-02Z": "-infinity",
}
_SIGNED_YEAR = re.compile(r"([+-]\d{4,9}|0000)(-\d\d-\d\d.*)", re.ASCII)
Make = Callable[[Schema, str | None], Encoder | None]


def debezium_wire(schema: Schema, column: Column | None) -> Encoder | None:
    """The encoder of a semantic type for a column (None: one still to be made); None where its plain type will do."""
    make = _MAKERS.get(schema.name or "")
    return None if make is None else make(schema, None if column is None else column.base_type)


def debezium_created_type(schema: Schema) -> str | None:
    """The type of a column made for a semantic type, where that is not the type that is sent."""
    name = schema.name or ""
    if name == BITS and schema.type is Type.BYTES:
        length = _length(schema)
        return f"bit({length})" if length else "bit varying"
    if schema.type is Type.STRING:
        return TEXT_TYPES.get(name)
    if schema.type is Type.INT64 and name in {MICRO_DURATION, NANO_DURATION}:
        return "interval"
    return None


def _variable_scale(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRUCT or (base is not None and base not in NUMBERS):
        return None
    return Encoder("numeric", each(variable_scale))


def _bits(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.BYTES:
        return None
    if base is None or base in TEXTS | {'"bit"', "bit varying"}:
        return Encoder("text", each(partial(bits_text, length=_length(schema))))
    if base == "boolean":
        return Encoder("boolean", each(any))
    if base in INTEGERS | {"numeric"}:
        return Encoder("numeric", each(lambda value: Decimal(int.from_bytes(value, "little"))))
    return None


def bits_text(value: bytes, *, length: int) -> str:
    """Little-endian bytes as a bit string of the given length (0: of as many bits as there are), the highest bit first."""
    wanted = length or len(value) * 8
    number = int.from_bytes(value, "little")
    if number.bit_length() > wanted:
        raise refused(f"{wanted} bits, not {number.bit_length()}")
    return format(number, "b").zfill(wanted) if wanted else ""


def _length(schema: Schema) -> int:
    length = int(schema.parameter("length") or 0)
    return length if 0 < length < LONGEST_BITS else 0


def _duration(schema: Schema, base: str | None, *, per_micro: int) -> Encoder | None:
    if schema.type is not Type.INT64 or base not in {None, "interval"}:
        return None
    return Encoder("text", each(lambda value: _interval(_whole_micros(value, per_micro))), _cast("interval"))


def _time(schema: Schema, base: str | None) -> Encoder | None:
    """Into an interval of hours whatever it is: a time of day on the way would end after 24 of them."""
    scale = scale_of(schema)
    if scale is None or base != "interval":
        return _counted(schema, base)

    def interval(value: int) -> str:
        return _seconds(_whole_micros(value * scale.numerator, scale.denominator))

    return Encoder("text", each(interval), _cast("interval"))


def _counted(schema: Schema, base: str | None) -> Encoder | None:
    """Into a column of whole numbers as it is, which is what sinks that do not know the name have made such columns for."""
    is_number = scale_of(schema) is not None and base in WHOLE_NUMBERS
    return Encoder(PRIMITIVES[schema.type]) if is_number else None


def _whole_micros(value: int, per_micro: int) -> int:
    return value // per_micro if value >= 0 else -(-value // per_micro)


def _interval(micros: int) -> str:
    sign = "-" if micros < 0 else ""
    days, rest = divmod(abs(micros), DAY_US)
    return f"{sign}{days} days {_seconds(-rest if micros < 0 else rest)}"


def _seconds(micros: int) -> str:
    seconds, fraction = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{seconds}.{fraction:06} seconds"


def _zoned_timestamp(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRING:
        return None
    # By way of the instant: PostgreSQL would pass over the offset, and the wall clock meant is that of db.timezone.
    through = f"CAST(CAST({{}} AS timestamp with time zone) AS {base})"
    template = through if base in {"date", "time without time zone"} else None
    if base == "time without time zone":
        return Encoder("text", each(_finite), template)
    return Encoder("text", None if base in TEXTS else each(_of_any_year), template)


def _finite(text: str) -> str:
    """PostgreSQL makes null of the time of day of infinity."""
    if text.strip().lower().endswith("infinity"):
        raise refused("an instant that has a time of day, which infinity has not")
    return _of_any_year(text)


def _iso_wall_clock(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRING or base not in {
        "timestamp without time zone",
        "time without time zone",
        "interval",
    }:
        return None
    return Encoder("text", each(_without_zone))


def _iso_date(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRING or base != "date":
        return None
    return Encoder("text", each(_without_zone))


def _without_zone(text: str) -> str:
    """A day or a wall clock, for all its Z."""
    return _INFINITE_TEXTS.get(text) or _of_any_year(text.removesuffix("Z"))


def _of_any_year(text: str) -> str:
    """As PostgreSQL reads it, an instant of ISO 8601, which gives years after 9999 and before 0 a sign, and has a year 0."""
    found = _SIGNED_YEAR.fullmatch(text)
    if found is None:
        return text
    year = int(found[1])
    return f"{year:04}{found[2]}" if year > 0 else f"{1 - year:04}{found[2]} BC"


def _zoned_time(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRING:
        return None
    through = "CAST(CAST({} AS time with time zone) AT TIME ZONE current_setting('TimeZone') AS time without time zone)"
    return Encoder("text", None, through if base == "time without time zone" else None)


def _year(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type not in {Type.INT16, Type.INT32, Type.INT64} or base != "date":
        return None
    return Encoder("text", each(lambda year: f"{year:04}-01-01"), _cast("date"))


def _enum_set(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRING or base is None or not base.endswith("[]"):
        return None
    return Encoder("text[]", each(lambda value: value.split(",") if value else []))


def _json(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRING or base is None or not is_hstore(base):
        return None
    return Encoder("text", each(lambda text: hstore(_PAIRS.decode(text))))  # hstore.handling.mode=json


def _geometry(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRUCT or base in JSON:
        return None
    name = bare_name(base or "")
    if base is None or base == "bytea":
        return Encoder("bytea", each(lambda value: value["wkb"]))
    if name in {"geometry", "geography"} or base in TEXTS:
        return Encoder("text", each(extended_wkb))
    if base == "point" and schema.name == POINT:
        return Encoder("text", each(lambda value: f"({value['x']!r},{value['y']!r})"))
    return None


def _sparse_vector(schema: Schema, base: str | None) -> Encoder | None:
    if schema.type is not Type.STRUCT or bare_name(base or "") != "sparsevec":
        return None
    return Encoder("text", each(sparse_vector))


def sparse_vector(value: dict[str, Any]) -> str:
    """A vector as pgvector writes one of few numbers: each with its place, and of how many places."""
    numbers = ",".join(f"{place}:{number!r}" for place, number in value["vector"].items())
    return f"{{{numbers}}}/{value['dimensions']}"


def extended_wkb(value: dict[str, Any]) -> str:
    """A geometry as PostGIS writes it, in hexadecimal digits: its WKB with the reference system in the header."""
    wkb, srid = value["wkb"], value.get("srid")
    if srid is None:
        return str(wkb.hex()).upper()
    order = "<" if wkb[0] else ">"
    kind = struct.unpack(f"{order}I", wkb[1:5])[0] | SRID_FLAG
    return str((wkb[:1] + struct.pack(f"{order}II", kind, srid) + wkb[5:]).hex()).upper()


def _cast(kind: str) -> str:
    return f"CAST({{}} AS {kind})"


_MAKERS: dict[str, Make] = {
    VARIABLE_SCALE_DECIMAL: _variable_scale,
    BITS: _bits,
    MICRO_DURATION: partial(_duration, per_micro=1),
    NANO_DURATION: partial(_duration, per_micro=1000),
    **dict.fromkeys(TIMES, _time),
    **dict.fromkeys(INSTANTS_AND_DAYS, _counted),
    ZONED_TIMESTAMP: _zoned_timestamp,
    ZONED_TIME: _zoned_time,
    ISO_TIMESTAMP: _iso_wall_clock,
    ISO_TIME: _iso_wall_clock,
    ISO_DATE: _iso_date,
    YEAR: _year,
    ENUM_SET: _enum_set,
    JSON_TEXT: _json,
    SPARSE_VECTOR: _sparse_vector,
    **dict.fromkeys(GEOMETRIES, _geometry),
}
__all__ = [
    "VARIABLE_SCALE_DECIMAL",
    "bits_text",
    "debezium_created_type",
    "debezium_wire",
    "extended_wkb",
]
