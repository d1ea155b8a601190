"""What the encoders have in common: how a column's values travel, and what the statement makes of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sink_connector.data.instants import EPOCH_2000_US, INFINITE_DAYS, INFINITE_US
from sink_connector.data.record import DATE, TIME, TIMESTAMP, Schema, Type
from sink_connector.errors import BadRecordError, Stage
from sink_connector.sink.table_metadata import Column

Encode = Callable[[Sequence[Any]], Sequence[Any]]
Each = Callable[[Any], Any]

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
INTEGERS = frozenset({"smallint", "integer", "bigint"})
# Types that a text becomes by assignment, which refuses what is too long where a cast would cut it.
TEXTS = frozenset({"text", "character varying", "bpchar"})
UNCAST = frozenset({"text", "character varying"})


@dataclass(frozen=True, slots=True)
class Encoder:
    """`type` is the SQL type that is sent; `encode` prepares a column of values, None where they go as they are.

    `template` is an SQL expression of what is sent (`{}`), where a cast would not do. An `encode` raises `BadRecordError`
    when one of the values cannot be brought into the form.
    """

    type: str
    encode: Encode | None = None
    template: str | None = None

    def fits(self, column: Column) -> bool:
        """Whether what is sent is what the column holds, so that it may be copied straight into the table."""
        return self.template is None and (
            self.type == column.type or (self.type == "text" and column.type in TEXTS)
        )

    def expression(self, sent: str, column: Column) -> str:
        """SQL that makes the column's base type of what is sent. Length and domain are for the assignment to check."""
        if self.template is not None:
            return self.template.replace("{}", sent)
        target, array = column.base_type.removesuffix("[]"), column.base_type.endswith("[]")
        sent_type = self.type.removesuffix("[]")
        if self.type.endswith("[]") == array and (
            sent_type == target or (sent_type == "text" and target in UNCAST)
        ):
            return sent
        return f"CAST({sent} AS {column.base_type})"


@dataclass(frozen=True, slots=True)
class Scale:
    """Instants, days and times of day as numbers: what to multiply with, and where PostgreSQL's zero is.

    `infinite` are the numbers that stand for infinity, with PostgreSQL's own for it.
    """

    type: str
    numerator: int = 1
    denominator: int = 1
    origin: int = 0
    infinite: Mapping[int, int] = field(default_factory=dict, hash=False)

    def encode(self, column: Sequence[int | None]) -> Sequence[Any]:
        """One-tuples, which the driver's codec takes: the number of units since PostgreSQL's zero."""
        numerator, denominator, origin = self.numerator, self.denominator, self.origin
        if denominator == 1 and {None, *self.infinite}.isdisjoint(column):
            return [(value * numerator - origin,) for value in column]  # type: ignore[operator] # no None in it
        return [None if value is None else (self._sent(value),) for value in column]

    def _sent(self, value: int) -> int:
        found = self.infinite.get(value)
        return value * self.numerator // self.denominator - self.origin if found is None else found


_INFINITE_MS = {micros // US_PER_MS: sent for micros, sent in INFINITE_US.items()}


# Named schemas whose numbers are instants, days or times of day. Debezium's are not Connect's logical types: their values
# stay plain integers in `record.py` as well.
SCALES: dict[str, Scale] = {
    TIMESTAMP: Scale("timestamp with time zone", US_PER_MS, 1, EPOCH_2000_US, _INFINITE_MS),
    DATE: Scale("date", 1, 1, EPOCH_2000_DAYS, INFINITE_DAYS),
    TIME: Scale("time without time zone", US_PER_MS),
    "io.debezium.time.Timestamp": Scale(
        "timestamp without time zone", US_PER_MS, 1, EPOCH_2000_US, _INFINITE_MS
    ),
    "io.debezium.time.MicroTimestamp": Scale("timestamp without time zone", 1, 1, EPOCH_2000_US, INFINITE_US),
    "io.debezium.time.NanoTimestamp": Scale("timestamp without time zone", 1, 1000, EPOCH_2000_US),
    "io.debezium.time.Date": Scale("date", 1, 1, EPOCH_2000_DAYS, INFINITE_DAYS),
    "io.debezium.time.Time": Scale("time without time zone", US_PER_MS),
    "io.debezium.time.MicroTime": Scale("time without time zone"),
    "io.debezium.time.NanoTime": Scale("time without time zone", 1, 1000),
}
_WHOLE = {Type.INT8, Type.INT16, Type.INT32, Type.INT64}


def scale_of(schema: Schema) -> Scale | None:
    """The scale of a schema's numbers, where its name says that they are instants, days or times of day."""
    return SCALES.get(schema.name or "") if schema.type in _WHOLE else None


def each(encode: Each) -> Encode:
    """A column's encoding by that of one value; null stays null."""
    return lambda column: [None if value is None else encode(value) for value in column]


def refused(expected: str) -> BadRecordError:
    """What to raise for a value that is not what was expected."""
    return BadRecordError(f"expected {expected}", stage=Stage.VALUE_CONVERTER)
