"""Cast: fields, or a whole key or value, to another primitive type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from sink_connector.config.definition import Importance, Kind
from sink_connector.data.record import Field, Record, Schema, Type
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.data import Data, PerSchema, lazily, need_map, need_struct, struct_like
from sink_connector.transforms.java.casting import CASTS, caster
from sink_connector.transforms.options import REPLACE_NULL_WITH_DEFAULT, Options, option

TARGETS = {
    "int8": Type.INT8,
    "int16": Type.INT16,
    "int32": Type.INT32,
    "int64": Type.INT64,
    "float32": Type.FLOAT32,
    "float64": Type.FLOAT64,
    "boolean": Type.BOOLEAN,
    "string": Type.STRING,
}
PURPOSE = "Cast"
PAIR = 2


@dataclass(frozen=True, slots=True)
class _Plan:
    schema: Schema
    casts: tuple[tuple[str, Callable[[Any], Any], Any], ...] = ()  # field, cast, what a null becomes first
    defaults: tuple[tuple[str, Any], ...] = ()
    whole: Callable[[Any], Any] | None = None


class Cast:
    """Numbers wrap as Java's do (300 as int8 is 44), text must be a number of the target's range, bytes become base64."""

    OPTIONS = (
        option(
            "spec",
            "field:type pairs, or a single type for the whole key or value. Types: "
            + ", ".join(TARGETS)
            + ".",
            kind=Kind.LIST,
            required=True,
            importance=Importance.HIGH,
        ),
        REPLACE_NULL_WITH_DEFAULT,
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        spec = options.parsed("spec", _parse_spec) or {}
        self._whole = spec.get("")
        self._fields: Mapping[str, Type] = {name: target for name, target in spec.items() if name}
        self._replace_null = options.flag("replace.null.with.default")
        self._plan = PerSchema(self._plan_for)

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:  # noqa: ARG002 - the protocol's
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        if value is None:
            return schema, value
        if schema is None:
            return None, self._schemaless(value)
        plan = self._plan(schema)
        if plan.whole is not None:
            return plan.schema, plan.whole(value)
        changed = dict(need_struct(schema, value, PURPOSE))
        for name, default in plan.defaults:
            if changed[name] is None:
                changed[name] = default
        for name, cast, null in plan.casts:
            found = changed[name]
            if found is None:
                found = null
            changed[name] = None if found is None else cast(found)
        return plan.schema, changed

    def change_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnChange`."""
        plan = self._plan(values.schema)
        if plan.whole is not None or (self._replace_null and values.has_defaults):
            return None
        casts = {name: cast for name, cast, _ in plan.casts}
        for place, field in enumerate(values.schema.fields):
            cast = casts.get(field.name)
            if cast is not None:
                column = values.column(place)
                if column is None:
                    return None
                changed = [None if value is None else cast(value) for value in column]
                values = values.with_column(values.schema, place, changed)
        return replace(values, schema=plan.schema)

    def _schemaless(self, value: Any) -> Any:
        if self._whole is not None:
            return CASTS[self._whole](_as_double(value))
        changed = dict(need_map(value, PURPOSE))
        for name, target in self._fields.items():
            found = changed.get(name)
            changed[name] = None if found is None else CASTS[target](_as_double(found))
        return changed

    def _plan_for(self, schema: Schema) -> _Plan:
        if self._whole is not None:
            return _Plan(_cast_schema(schema, self._whole, schema), whole=caster(schema, self._whole))
        need_struct(schema, {}, PURPOSE)
        fields = tuple(
            Field(each.name, _cast_schema(each.schema, self._fields[each.name], None))
            if each.name in self._fields
            else each
            for each in schema.fields
        )
        replaced = struct_like(schema, fields)
        casts = []
        defaults = []
        for each in schema.fields:
            null = each.schema.default if self._replace_null else None
            if each.name in self._fields:
                cast = lazily(partial(caster, target=self._fields[each.name]), each.schema)
                casts.append((each.name, cast, null))
            elif null is not None:
                defaults.append((each.name, null))
        kept = replace(replaced, optional=schema.optional)
        return _Plan(kept, casts=tuple(casts), defaults=tuple(defaults))


def _as_double(value: Any) -> Any:
    """A number of JSON as Connect takes it where there is no schema."""
    return float(value) if isinstance(value, Decimal) else value


def _parse_spec(text: str) -> dict[str, Type]:
    """Field names to types; the empty name stands for the whole key or value."""
    casts: dict[str, Type] = {}
    entries = text.split(",") if text.strip() else []
    for entry in entries:
        parts = entry.strip().rstrip(":").split(":")
        if len(parts) > PAIR or (len(parts) == PAIR and not parts[0].strip()):
            raise ValueError(f"{entry.strip()!r} is not a field:type pair")
        target = TARGETS.get(parts[-1].strip().lower())
        if target is None:
            raise ValueError(f"{parts[-1].strip()!r} is not one of {', '.join(TARGETS)}")
        casts[parts[0].strip() if len(parts) == PAIR else ""] = target
    if not casts:
        raise ValueError("at least one field must be cast")
    if "" in casts and len(entries) > 1:
        raise ValueError("a cast of the whole key or value must stand alone")
    return casts


def _cast_schema(source: Schema, target: Type, basics: Schema | None) -> Schema:
    """The schema of a cast value; of a whole value the name, version, doc and parameters stay, of a field they do not."""
    plain = Schema(type=target, optional=source.optional)
    if basics is not None:
        plain = replace(
            plain,
            name=basics.name,
            version=basics.version,
            doc=basics.doc,
            parameters=basics.parameters,
        )
    if source.default is None:
        return plain
    return replace(plain, has_default=True, default=caster(source, target)(source.default))
