"""Transforms that choose, rename, wrap and unwrap fields: ReplaceField, ExtractField, HoistField, ValueToKey."""

from dataclasses import dataclass
from typing import Any

from msgspec import structs

from sink_connector.config.definition import Importance, Kind
from sink_connector.data.record import Field, Record, Schema, Type
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.data import (
    Data,
    PerSchema,
    UnfitRecordError,
    need_map,
    need_struct,
    struct_like,
)
from sink_connector.transforms.options import REPLACE_NULL_WITH_DEFAULT, Options, option
from sink_connector.transforms.paths import parse_path


@dataclass(frozen=True, slots=True)
class Selection:
    """A struct made of another's fields: its schema, and for each field its source and what a null becomes."""

    schema: Schema
    sources: tuple[tuple[str, str, Any], ...]

    def of(self, value: dict[str, Any]) -> dict[str, Any]:
        """The struct made of another's value, field by field."""
        return {
            name: null if (found := value[source]) is None else found for name, source, null in self.sources
        }


def _null_of(field: Field, *, replaced: bool) -> Any:
    return field.schema.default if replaced else None


class ReplaceField:
    """Drops and renames fields. `exclude` goes before `include`, both name fields as they were before renaming."""

    OPTIONS = (
        option("exclude", "Fields to drop.", kind=Kind.LIST, default="", aliases=("blacklist",)),
        option("include", "Fields to keep. Empty: all.", kind=Kind.LIST, default="", aliases=("whitelist",)),
        option("renames", "old:new pairs.", kind=Kind.LIST, default=""),
        REPLACE_NULL_WITH_DEFAULT,
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._exclude = frozenset(options.names("exclude"))
        self._include = frozenset(options.names("include"))
        self._renames = options.parsed("renames", _parse_renames) or {}
        self._replace_null = options.flag("replace.null.with.default")
        self._selection = PerSchema(self._select)

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:  # noqa: ARG002 - the protocol's
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        if value is None:
            return schema, value
        if schema is None:
            entries = need_map(value, "ReplaceField").items()
            return None, {self._renames.get(name, name): each for name, each in entries if self._keeps(name)}
        struct = need_struct(schema, value, "ReplaceField")
        selection = self._selection(schema)
        return selection.schema, selection.of(struct)

    def change_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnChange`."""
        if self._replace_null and values.has_defaults:
            return None
        places = [place for place, each in enumerate(values.schema.fields) if self._keeps(each.name)]
        return values.chosen(self._selection(values.schema).schema, places)

    def _keeps(self, name: str) -> bool:
        return name not in self._exclude and (not self._include or name in self._include)

    def _select(self, schema: Schema) -> Selection:
        kept = [each for each in schema.fields if self._keeps(each.name)]
        named = [(self._renames.get(each.name, each.name), each) for each in kept]
        return Selection(
            struct_like(schema, tuple(Field(name, each.schema) for name, each in named)),
            tuple((name, each.name, _null_of(each, replaced=self._replace_null)) for name, each in named),
        )


def _parse_renames(text: str) -> dict[str, str]:
    renames = {}
    for pair in (entry.strip() for entry in text.split(",") if text.strip()):
        old, colon, new = pair.partition(":")
        if not colon or not old or not new or ":" in new:
            raise ValueError(f"{pair!r} is not an old:new pair")
        renames[old] = new
    return renames


class ExtractField:
    """One field in place of the whole. Null stays null; a field that a schema does not have is an error."""

    OPTIONS = (
        option("field", "Field to take.", required=True),
        REPLACE_NULL_WITH_DEFAULT,
        option(
            "field.syntax.version",
            "V1: a plain name. V2: a path, its steps joined by dots; a step with dots stands in backticks.",
            default="V1",
            importance=Importance.HIGH,
        ),
    )

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._name = options.word("field")
        version = options.word("field.syntax.version").upper()
        if version not in {"V1", "V2"}:
            options.problem("field.syntax.version", f"is {version!r}, it must be V1 or V2")
        path = options.parsed("field", parse_path) if version == "V2" else (self._name,)
        *self._way, self._last = path or ("",)
        self._replace_null = options.flag("replace.null.with.default")
        self._field = PerSchema(self._find)

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:  # noqa: ARG002 - the protocol's
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        if schema is None:
            return None, self._from_map(value)
        if value is not None:
            need_struct(schema, value, "ExtractField")
        field, nulls = self._field(schema)
        for name, null in zip(self._way, nulls, strict=True):
            if value is not None:
                found = value[name]
                value = null if found is None else found
        if value is None:
            return field.schema, None
        found = value[self._last]
        return field.schema, _null_of(field, replaced=self._replace_null) if found is None else found

    def _from_map(self, value: Any) -> Any:
        for name in (*self._way, self._last):
            if value is None:
                return None
            value = need_map(value, "ExtractField").get(name)
        return value

    def _find(self, schema: Schema) -> tuple[Field, tuple[Any, ...]]:
        """The field, and what a null on the way to it stands for."""
        nulls = []
        current = schema
        for name in self._way:
            current = self._step(current, name).schema
            nulls.append(current.default)
        return self._step(current, self._last), tuple(nulls)

    def _step(self, schema: Schema, name: str) -> Field:
        field = schema.field(name) if schema.type is Type.STRUCT else None
        if field is None:
            raise UnfitRecordError(f"ExtractField: there is no field {self._name}")
        return field


class HoistField:
    """The whole as the only field of a new struct or map."""

    OPTIONS = (option("field", "Name of the new field.", required=True),)

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._name = options.word("field")
        self._schema = PerSchema(self._wrap)

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:  # noqa: ARG002 - the protocol's
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        return schema and self._schema(schema), {self._name: value}

    def _wrap(self, schema: Schema) -> Schema:
        return Schema(type=Type.STRUCT, fields=(Field(self._name, schema),))


class ValueToKey:
    """A new key made of fields of the value."""

    OPTIONS = (
        option(
            "fields", "Fields of the value, in the key's order.", kind=Kind.LIST, required=True,
            importance=Importance.HIGH,
        ),
        REPLACE_NULL_WITH_DEFAULT,
    )  # fmt: skip

    def __init__(self, options: Options) -> None:
        """Read the options; what is wrong with them is noted in them."""
        self._names = options.names("fields")
        self._replace_null = options.flag("replace.null.with.default")
        self._selection = PerSchema(self._select)

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        if record.value_schema is None:
            value = need_map(record.value, "ValueToKey")
            return structs.replace(
                record, key_schema=None, key={name: value.get(name) for name in self._names}
            )
        struct = need_struct(record.value_schema, record.value, "ValueToKey")
        selection = self._selection(record.value_schema)
        return structs.replace(record, key_schema=selection.schema, key=selection.of(struct))

    def _select(self, schema: Schema) -> Selection:
        fields = []
        for name in self._names:
            field = schema.field(name)
            if field is None:
                raise UnfitRecordError(f"ValueToKey: the value has no field {name}")
            fields.append(field)
        return Selection(
            Schema(type=Type.STRUCT, fields=tuple(fields)),
            tuple((each.name, each.name, _null_of(each, replaced=self._replace_null)) for each in fields),
        )
