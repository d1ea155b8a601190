"""What the wires have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sink_connector.data.record import DATE, TIME, TIMESTAMP, Schema, Type
from sink_connector.errors import BadRecordError, Stage

Encode = Callable[[Sequence[Any]], Sequence[Any]]

EPOCH_2000_US = 946_684_800_000_000  # PostgreSQL counts instants in microseconds since 2000-01-01
EPOCH_2000_DAYS = 10_957
US_PER_MS = 1_000

PRIMITIVES: dict[Type, str] = {
    Type.INT8: "smallint",
    Type.INT16: "smallint",
    Type.INT32: "integer",
    Type.INT64: "bigint",
    Type.FLOAT32: "real",
    Type.FLOAT64: "double precision",
    Type.BOOLEAN: "boolean",
    Type.STRING: "text",
    Type.BYTES: "bytea",
}


@dataclass(frozen=True, slots=True)
class Wire:
    """`type` is the SQL type that is sent; `encode` prepares a column of values, None where they go as they are.

    An `encode` raises `BadRecordError` when one of the values cannot be brought into the form.
    """

    type: str
    encode: Encode | None = None


@dataclass(frozen=True, slots=True)
class Scale:
    """Instants, days and times of day as numbers: what to multiply with, and where PostgreSQL's zero is."""

    type: str
    numerator: int = 1
    denominator: int = 1
    origin: int = 0

    def encode(self, column: Sequence[int | None]) -> Sequence[Any]:
        """One-tuples, which the driver's codec takes: the number of units since PostgreSQL's zero."""
        numerator, denominator, origin = self.numerator, self.denominator, self.origin
        if None not in column and denominator == 1:
            return [(value * numerator - origin,) for value in column]  # type: ignore[operator] # no None in it
        return [None if value is None else (value * numerator // denominator - origin,) for value in column]


# Named schemas whose numbers are instants, days or times of day. Debezium's are not Connect's logical types: their values
# stay plain integers in `record.py` as well.
SCALES: dict[str, Scale] = {
    TIMESTAMP: Scale("timestamp with time zone", US_PER_MS, 1, EPOCH_2000_US),
    DATE: Scale("date", 1, 1, EPOCH_2000_DAYS),
    TIME: Scale("time without time zone", US_PER_MS),
    "io.debezium.time.Timestamp": Scale("timestamp without time zone", US_PER_MS, 1, EPOCH_2000_US),
    "io.debezium.time.MicroTimestamp": Scale("timestamp without time zone", 1, 1, EPOCH_2000_US),
    "io.debezium.time.NanoTimestamp": Scale("timestamp without time zone", 1, 1000, EPOCH_2000_US),
    "io.debezium.time.Date": Scale("date", 1, 1, EPOCH_2000_DAYS),
    "io.debezium.time.Time": Scale("time without time zone", US_PER_MS),
    "io.debezium.time.MicroTime": Scale("time without time zone"),
    "io.debezium.time.NanoTime": Scale("time without time zone", 1, 1000),
}

# Named texts, and what becomes of them in a table that we make.
TEXTS: dict[str, str] = {
    "io.debezium.data.Json": "jsonb",
    "io.debezium.data.Uuid": "uuid",
    "io.debezium.time.ZonedTimestamp": "timestamp with time zone",
    "io.debezium.time.ZonedTime": "time with time zone",
}


def created_type(schema: Schema, wire: Wire) -> str:
    """The type of a column made for this schema."""
    return TEXTS.get(schema.name or "", wire.type)


def refused(expected: str) -> BadRecordError:
    return BadRecordError(f"expected {expected}", stage=Stage.VALUE_CONVERTER)
