"""InsertField: where a record comes from, or a fixed text, as new fields."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sink_connector.data.instants import instant
from sink_connector.data.record import TIMESTAMP, Field, Record, Schema, Type
from sink_connector.data.record_schema import Form
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.data import (
    Data,
    PerSchema,
    defaults_of,
    need_map,
    need_struct,
    struct_like,
    with_defaults,
)
from sink_connector.transforms.options import REPLACE_NULL_WITH_DEFAULT, Options, option

_SUFFIX = "A name that ends in ! is a required field, in ? (or neither) an optional one."


@dataclass(frozen=True, slots=True)
class _Insertion:
    name: str
    schema: Schema
    of: Callable[[Record], Any]
    column: Callable[[ValueColumns], Sequence[Any]]  # with the cells as JSON has them

    def typed(self, record: Record) -> Any:
        found = self.of(record)
        return instant(found) if self.schema.name == TIMESTAMP and found is not None else found


Source = tuple[Schema, Callable[[Record], Any], Callable[[ValueColumns], Sequence[Any]]]

_SOURCES: dict[str, Source] = {
    "topic": (
        Schema(type=Type.STRING),
        lambda record: record.topic,
        lambda values: [values.topic] * len(values.read),
    ),
    "partition": (
        Schema(type=Type.INT32),
        lambda record: record.partition,
        lambda values: [values.read.partition] * len(values.read),
    ),
    "offset": (
        Schema(type=Type.INT64),
        lambda record: record.offset,
        lambda values: [record.offset for record in values.read.records],
    ),
    "timestamp": (
        Schema(type=Type.INT64, name=TIMESTAMP, version=1),
        lambda record: record.timestamp,
        lambda values: values.read.timestamps,
    ),
}


class InsertField:
    """With a schema the timestamp is a Timestamp, without one milliseconds. A record without one gets no such entry."""

    OPTIONS = (
        *(option(f"{source}.field", f"Field for the record's {source}. {_SUFFIX}") for source in _SOURCES),
        option("static.field", f"Field for static.value. {_SUFFIX}"),
        option("static.value", "A fixed text."),
        REPLACE_NULL_WITH_DEFAULT,
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        static = options.text("static.value")
        sources: dict[str, Source] = {
            **_SOURCES,
            "static": (
                Schema(type=Type.STRING),
                lambda _: static,
                lambda values: [static] * len(values.read),
            ),
        }
        named = [
            (name, source) for source in sources if (name := options.text(f"{source}.field")) is not None
        ]
        self._insertions = tuple(_insertion(name, *sources[source]) for name, source in named)
        self._replace_null = options.flag("replace.null.with.default")
        self._plan = PerSchema(self._plan_for)
        if not named:
            options.problem("topic.field", "nothing is inserted: give at least one of the …field options")
        if options.text("static.field") is not None and static is None:
            options.problem("static.value", "is required with static.field")

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        if value is None:
            return schema, value
        if schema is None:
            entries = dict(need_map(value, "InsertField"))
            for each in self._insertions:
                if (found := each.of(record)) is not None:
                    entries[each.name] = found
            return None, entries
        struct = need_struct(schema, value, "InsertField")
        longer, defaults = self._plan(schema)
        fields = with_defaults(struct, defaults)
        for each in self._insertions:
            fields[each.name] = each.typed(record)
        return longer, fields

    def change_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnChange`."""
        longer, defaults = self._plan(values.schema)
        if defaults:
            return None
        return values.with_more(longer, [each.column(values) for each in self._insertions], Form.JSON)

    def _plan_for(self, schema: Schema) -> tuple[Schema, tuple[tuple[str, Any], ...]]:
        added = tuple(Field(each.name, each.schema) for each in self._insertions)
        return struct_like(schema, schema.fields + added), defaults_of(schema, wanted=self._replace_null)


def _insertion(
    name: str,
    schema: Schema,
    of: Callable[[Record], Any],
    column: Callable[[ValueColumns], Sequence[Any]],
) -> _Insertion:
    optional = not name.endswith("!")
    kept = Schema(type=schema.type, name=schema.name, version=schema.version, optional=optional)
    return _Insertion(name.removesuffix("?") if optional else name[:-1], kept, of, column)
