"""Flatten: the fields of nested structs (or maps) become fields of the record, their names joined."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from sink_connector.data.record import Field, Record, Schema, Type
from sink_connector.transforms.data import (
    Data,
    PerSchema,
    UnfitRecordError,
    need_map,
    need_struct,
    struct_like,
)
from sink_connector.transforms.options import Options, option


@dataclass(frozen=True, slots=True)
class _Leaf:
    name: str
    path: tuple[tuple[str, Any], ...]  # each step with what a null there stands for
    schema: Schema


class Flatten:
    """Arrays stay whole. A field under an optional struct becomes optional; a map under a schema is refused."""

    OPTIONS = (option("delimiter", "What joins the names.", default="."),)

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._delimiter = options.word("delimiter")
        self._plan = PerSchema(self._plan_for)

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:  # noqa: ARG002 - the protocol's
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        if value is None:
            return schema, value
        if schema is None:
            flat: dict[str, Any] = {}
            self._flatten_map(need_map(value, "Flatten"), "", flat)
            return None, flat
        struct = need_struct(schema, value, "Flatten")
        flat_schema, leaves = self._plan(schema)
        return flat_schema, {leaf.name: _reach(struct, leaf.path) for leaf in leaves}

    def _flatten_map(self, value: dict[str, Any], prefix: str, flat: dict[str, Any]) -> None:
        for key, each in value.items():
            name = self._joined(prefix, key)
            if isinstance(each, dict):
                self._flatten_map(each, name, flat)
            else:
                flat[name] = each

    def _joined(self, prefix: str, name: str) -> str:
        return f"{prefix}{self._delimiter}{name}" if prefix else name

    def _plan_for(self, schema: Schema) -> tuple[Schema, tuple[_Leaf, ...]]:
        leaves = tuple(self._leaves(schema, prefix="", path=(), optional=schema.optional, default=None))
        return struct_like(schema, tuple(Field(leaf.name, leaf.schema) for leaf in leaves)), leaves

    def _leaves(
        self, schema: Schema, *, prefix: str, path: tuple[tuple[str, Any], ...], optional: bool, default: Any
    ) -> Iterator[_Leaf]:
        for field in schema.fields:
            own = field.schema
            name = self._joined(prefix, field.name)
            inherited = default[field.name] if default is not None else None
            field_default = own.default if own.default is not None else inherited
            deeper = (*path, (field.name, own.default))
            is_optional = optional or own.optional
            if own.type is Type.MAP:
                raise UnfitRecordError(f"Flatten: field {name} is a map, which has no fields to name")
            if own.type is Type.STRUCT:
                yield from self._leaves(
                    own, prefix=name, path=deeper, optional=is_optional, default=field_default
                )
            else:
                kept = replace(
                    own, optional=is_optional, has_default=field_default is not None, default=field_default
                )
                yield _Leaf(name, deeper, kept)


def _reach(value: dict[str, Any] | None, path: tuple[tuple[str, Any], ...]) -> Any:
    found: Any = value
    for name, null in path:
        if found is None:
            return None
        found = found[name]
        if found is None:
            found = null
    return found
