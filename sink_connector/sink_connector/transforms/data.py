"""What transforms share: their refusal of a record, the sides they work on, and schemas derived once per schema."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from msgspec import structs

from sink_connector.data.lru import MOST_SCHEMAS, LruCache
from sink_connector.data.record import Field, Record, Schema, Type
from sink_connector.errors import BadRecordError, Stage
from sink_connector.transforms.columns import ValueColumns

Made = TypeVar("Made")
Given = TypeVar("Given")
Data = tuple[Schema | None, Any]


class UnfitRecordError(BadRecordError):
    """A transform cannot handle this record."""

    def __init__(self, reason: str) -> None:
        """Takes what it works with."""
        super().__init__(reason, stage=Stage.TRANSFORMATION)


def lazily(make: Callable[[Given], Callable[[Any], Any]], given: Given) -> Callable[[Any], Any]:
    """What `make` makes; where it refuses, what refuses every value: Connect has nothing against a null, whatever its schema."""
    try:
        return make(given)
    except UnfitRecordError as error:
        reason = str(error)

    def refuse(_: Any) -> Any:
        raise UnfitRecordError(reason)

    return refuse


class Change(Protocol):
    """What a transform makes of one side of a record, its key or its value: a schema (or None) and a value."""

    def change(self, schema: Schema | None, value: Any, record: Record) -> Data:
        """The side as it is afterwards. Raises `BadRecordError` for one that it cannot handle."""
        ...


@dataclass(frozen=True, slots=True)
class OnKey:
    """A `…$Key` transform."""

    inner: Change

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        schema, value = self.inner.change(record.key_schema, record.key, record)
        if value is record.key and schema is record.key_schema:
            return record
        return structs.replace(record, key_schema=schema, key=value)


@runtime_checkable
class ColumnChange(Protocol):
    """A change that can be made of many values at once."""

    def change_all(self, values: ValueColumns) -> ValueColumns | None:
        """What `change` makes of each; None where each is to be looked at. Raises what `change` raises for one of them."""
        ...


@dataclass(frozen=True, slots=True)
class OnValue:
    """A `…$Value` transform."""

    inner: Change

    def apply(self, record: Record) -> Record:
        """The record as it is afterwards, None when it is dropped. Raises `BadRecordError` for one that it cannot handle."""
        schema, value = self.inner.change(record.value_schema, record.value, record)
        if value is record.value and schema is record.value_schema:
            return record
        return structs.replace(record, value_schema=schema, value=value)

    def apply_all(self, values: ValueColumns) -> ValueColumns | None:
        """See `ColumnTransform`."""
        return self.inner.change_all(values) if isinstance(self.inner, ColumnChange) else None


class PerSchema(Generic[Made]):
    """Something made from a schema once, and found again by the schema's identity (or, failing that, its value)."""

    def __init__(self, make: Callable[[Schema], Made]) -> None:
        """Takes what it works with."""
        self._make = make
        self._last: tuple[Schema | None, Made | None] = (None, None)
        self._by_identity: LruCache[int, tuple[Schema, Made]] = LruCache(MOST_SCHEMAS)
        self._by_value: LruCache[Schema, tuple[Made]] = LruCache(MOST_SCHEMAS)

    def __call__(self, schema: Schema) -> Made:
        """What was made of the schema. Raises what making it raises."""
        last, made = self._last
        return made if last is schema else self._look_up(schema)  # type: ignore[return-value] # it is that schema's

    def _look_up(self, schema: Schema) -> Made:
        # The schema is held together with what was made of it, so that its identity is not used again.
        found = self._by_identity.get(id(schema)) or self._by_identity.put(
            id(schema), (schema, self._of_value(schema))
        )
        self._last = found
        return found[1]

    def _of_value(self, schema: Schema) -> Made:
        found = self._by_value.get(schema) or self._by_value.put(schema, (self._make(schema),))
        return found[0]


def struct_like(source: Schema, fields: tuple[Field, ...]) -> Schema:
    """A struct with other fields; name, version, doc and parameters stay, being optional and a default do not.

    Raises `UnfitRecordError` when two fields have the same name.
    """
    names = [each.name for each in fields]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise UnfitRecordError(f"two fields of the new schema have the same name: {', '.join(twice)}")
    return replace(source, optional=False, has_default=False, default=None, fields=fields)


def need_struct(schema: Schema, value: Any, purpose: str) -> dict[str, Any]:
    """The value of a struct. Raises `UnfitRecordError` when it is none."""
    if schema.type is not Type.STRUCT or not isinstance(value, dict):
        raise UnfitRecordError(
            f"{purpose} needs a struct, found {schema.type.value} ({type(value).__name__})"
        )
    return value


def need_map(value: Any, purpose: str) -> dict[str, Any]:
    """The value of an object without a schema. Raises `UnfitRecordError` when it is none."""
    if not isinstance(value, dict):
        raise UnfitRecordError(f"{purpose} needs a map when there is no schema, found {type(value).__name__}")
    return value


def defaults_of(schema: Schema, *, wanted: bool) -> tuple[tuple[str, Any], ...]:
    """The fields of a struct that have a default other than null, if nulls are to be replaced by it."""
    if not wanted:
        return ()
    return tuple(
        (each.name, each.schema.default) for each in schema.fields if each.schema.default is not None
    )


def with_defaults(value: Mapping[str, Any], defaults: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    """A copy of a struct's value with its nulls replaced where there is a default."""
    filled = dict(value)
    for name, default in defaults:
        if filled[name] is None:
            filled[name] = default
    return filled
