"""TimestampConverter: an instant from one form to another, a field or the whole."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sink_connector.config.definition import Importance
from sink_connector.data.instants import instant, millis_of
from sink_connector.data.record import DATE, TIME, TIMESTAMP, Field, Record, Schema, Type
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.data import (
    Data,
    PerSchema,
    UnfitRecordError,
    defaults_of,
    need_map,
    need_struct,
    struct_like,
    with_defaults,
)
from sink_connector.transforms.java.dates import DateFormat
from sink_connector.transforms.options import REPLACE_NULL_WITH_DEFAULT, Options, option

TARGETS = {
    "string": Schema(type=Type.STRING),
    "unix": Schema(type=Type.INT64),
    "Date": Schema(type=Type.INT32, name=DATE, version=1),
    "Time": Schema(type=Type.INT32, name=TIME, version=1),
    "Timestamp": Schema(type=Type.INT64, name=TIMESTAMP, version=1),
}
# How many of the unit make a millisecond, or how many milliseconds the unit.
PRECISIONS = {
    "seconds": (1, 1000),
    "milliseconds": (1, 1),
    "microseconds": (1000, 1),
    "nanoseconds": (1_000_000, 1),
}


@dataclass(frozen=True, slots=True)
class _Plan:
    schema: Schema
    defaults: tuple[tuple[str, Any], ...]
    converts: bool
    refusal: str  # of every struct that is not null, because the field has another type


class TimestampConverter:
    """Goes through milliseconds, so what is finer is lost, as in Connect."""

    OPTIONS = (
        option("field", "The field. Empty: the whole key or value.", default="", importance=Importance.HIGH),
        option("target.type", "The form wanted.", required=True, importance=Importance.HIGH, values=tuple(TARGETS)),
        option("format", "How a text is written, in the letters of Java's SimpleDateFormat (UTC).", default=""),
        option(
            "unix.precision", "Unit of an integer.", default="milliseconds", importance=Importance.LOW,
            values=tuple(PRECISIONS),
        ),
        REPLACE_NULL_WITH_DEFAULT,
    )  # fmt: skip

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._field = options.word("field")
        self._target = options.word("target.type")
        self._format = options.parsed("format", DateFormat) if options.word("format").strip() else None
        self._per_milli, self._millis_per = PRECISIONS.get(options.word("unix.precision"), (1, 1))
        self._replace_null = options.flag("replace.null.with.default")
        if self._target == "string" and self._format is None:
            options.problem("format", "is required with target.type string")
        self._whole_schema = PerSchema(self._checked)
        self._plan = PerSchema(self._plan_for)

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:  # noqa: ARG002 - the protocol's
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        if schema is None:
            return None, self._schemaless(value)
        if not self._field:
            return self._whole_schema(schema), self._converted(value)
        need_struct(schema, {} if value is None else value, "TimestampConverter")
        plan = self._plan(schema)
        if value is None:
            return plan.schema, None
        if plan.refusal:
            raise UnfitRecordError(plan.refusal)
        fields = with_defaults(value, plan.defaults)
        if plan.converts:
            fields[self._field] = self._converted(fields[self._field])
        return plan.schema, fields

    def change_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnChange`."""
        if not self._field or (self._replace_null and values.has_defaults):
            return None
        plan = self._plan(values.schema)
        if plan.refusal:
            raise UnfitRecordError(plan.refusal)
        for place, field in enumerate(values.schema.fields):
            if field.name == self._field:
                column = self._column(values, place)
                return None if column is None else values.with_column(plan.schema, place, column)
        return replace(values, schema=plan.schema)

    def _column(self, values: ValueColumns, place: int) -> Sequence[Any] | None:
        millis = values.millis(place)
        if millis is None:
            column = values.column(place)
            if column is None:
                return None
            millis = [None if value is None else self._millis(value) for value in column]
        if self._target == "string" and self._format is not None:
            return self._format.format_all(millis)
        return [None if each is None else self._written(each) for each in millis]

    def _schemaless(self, value: Any) -> Any:
        if value is None or not self._field:
            return self._converted(value)
        entries = dict(need_map(value, "TimestampConverter"))
        entries[self._field] = self._converted(entries.get(self._field))
        return entries

    def _checked(self, schema: Schema) -> Schema:
        """The target's schema for a source's, which must be one of the five forms."""
        logical = schema.name in {DATE, TIME, TIMESTAMP}
        if not logical and schema.type not in {Type.STRING, Type.INT64}:
            raise UnfitRecordError(f"TimestampConverter: {schema.type.value} is no form of an instant")
        return replace(TARGETS[self._target], optional=schema.optional)

    def _plan_for(self, schema: Schema) -> _Plan:
        fields = tuple(
            Field(each.name, replace(TARGETS[self._target], optional=each.schema.optional))
            if each.name == self._field
            else each
            for each in schema.fields
        )
        field = schema.field(self._field)
        changed = replace(struct_like(schema, fields), optional=schema.optional)
        refusal = ""
        try:
            if field is not None:
                self._checked(field.schema)
        except UnfitRecordError as error:
            refusal = str(error)
        return _Plan(
            changed,
            defaults_of(schema, wanted=self._replace_null),
            converts=field is not None,
            refusal=refusal,
        )

    def _converted(self, value: Any) -> Any:
        if value is None:
            return None
        return self._written(self._millis(value))

    def _millis(self, value: Any) -> int:
        match value:
            case bool() | float():
                pass
            case int():
                return (
                    value * self._millis_per // self._per_milli
                    if value >= 0
                    else -(-value * self._millis_per // self._per_milli)
                )
            case str():
                return self._parsed(value)
            case datetime() | date() | time() | timedelta():
                return millis_of(value)
        raise UnfitRecordError(f"TimestampConverter: a value of type {type(value).__name__} is no instant")

    def _parsed(self, text: str) -> int:
        if self._format is None:
            raise UnfitRecordError("TimestampConverter: a text needs the option format")
        try:
            return self._format.parse(text)
        except ValueError as error:
            raise UnfitRecordError(f"TimestampConverter: {error}") from error

    def _written(self, millis: int) -> Any:
        writers: dict[str, Callable[[], Any]] = {
            "string": lambda: self._format and self._format.format(millis),
            "unix": lambda: self._unix(millis),
            "Date": lambda: instant(millis).date(),
            "Time": lambda: instant(millis).time(),
            "Timestamp": lambda: instant(millis),
        }
        return writers[self._target]()

    def _unix(self, millis: int) -> int:
        whole = abs(millis) * self._per_milli // self._millis_per  # Java divides towards zero
        return whole if millis >= 0 else -whole
