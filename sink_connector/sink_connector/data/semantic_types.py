"""The names of Debezium's semantic types, which say what a value means beyond its Connect type."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from sink_connector.data.decimals import unscaled_decimal
from sink_connector.data.record import Schema, Type

VARIABLE_SCALE_DECIMAL = "io.debezium.data.VariableScaleDecimal"  # struct: scale, value
BITS = "io.debezium.data.Bits"  # bytes, little-endian; parameters: {"length": "8"}
JSON_TEXT = "io.debezium.data.Json"  # text
SPARSE_VECTOR = "io.debezium.data.SparseDoubleVector"  # struct: dimensions, vector (place → number)
ENUM_SET = "io.debezium.data.EnumSet"  # text, joined by commas
MICRO_DURATION = "io.debezium.time.MicroDuration"  # int64, microseconds
NANO_DURATION = "io.debezium.time.NanoDuration"  # int64, nanoseconds
TIMES = (
    "io.debezium.time.Time",
    "io.debezium.time.MicroTime",
    "io.debezium.time.NanoTime",
)  # int32 milliseconds, int64: since midnight, or MySQL's TIME, which is a duration of up to 838 hours either way
INTERVAL = "io.debezium.time.Interval"  # text, ISO 8601
ZONED_TIMESTAMP = "io.debezium.time.ZonedTimestamp"  # text, ISO 8601 with an offset
ZONED_TIME = "io.debezium.time.ZonedTime"  # text, ISO 8601 with an offset
ISO_TIMESTAMP = "io.debezium.time.IsoTimestamp"  # text, ISO 8601 with a Z that says nothing
ISO_DATE = "io.debezium.time.IsoDate"  # text, ISO 8601 with a Z that says nothing
ISO_TIME = "io.debezium.time.IsoTime"  # text, ISO 8601 with a Z that says nothing
YEAR = "io.debezium.time.Year"  # int32
POINT = "io.debezium.data.geometry.Point"  # struct: x, y, wkb, srid
GEOMETRIES = (
    POINT,
    "io.debezium.data.geometry.Geometry",
    "io.debezium.data.geometry.Geography",
)  # struct: wkb, srid

# Of what stands for a change event that asks for its table to be emptied: no row.
TRUNCATION = Schema(type=Type.STRUCT, name="truncation")

# Named texts, and what becomes of them in a table that we make.
TEXT_TYPES: Mapping[str, str] = {
    JSON_TEXT: "jsonb",
    "io.debezium.data.Uuid": "uuid",
    "io.debezium.data.Xml": "xml",
    INTERVAL: "interval",
    ZONED_TIMESTAMP: "timestamp with time zone",
    ZONED_TIME: "time with time zone",
    ISO_DATE: "date",
    ISO_TIME: "time without time zone",
    ISO_TIMESTAMP: "timestamp without time zone",
}


def variable_scale(value: Mapping[str, Any]) -> Decimal:
    """The number of a `VariableScaleDecimal`. Raises `DecimalRangeError` for a scale that no numeric can hold."""
    return unscaled_decimal(value["value"], value["scale"])
