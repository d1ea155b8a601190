"""How the values of one schema are taken apart: the bridge from converters and transforms to the writer."""

from collections.abc import Callable, Sequence
from enum import Enum
from operator import itemgetter
from typing import Any

import msgspec

from sink_connector.data.exact_json import encode_exact, parse_exact
from sink_connector.data.lru import MOST_SCHEMAS, LruCache
from sink_connector.data.record import Field, Schema, Type

MOST_UNTYPED = 8192  # sets of field names at once; they are small, and optional fields make many of them


class Form(Enum):
    """In which form a shape's values stand."""

    JSON = "json"  # as JSON has them: instants as integers, decimals and nested values as unparsed text
    CONNECT = "connect"  # as `record.py` has them
    UNTYPED = "untyped"  # without a schema: parsed JSON, or text not parsed yet; the table's columns type it


Take = Callable[[Any], tuple[Any, ...]]
Pick = Callable[[Sequence[str]], Callable[[Any], Any]]


class RecordSchema:
    """A schema ready to be used record after record. Immutable, equal by schema, forms and how values are taken apart.

    `take` gives all field values in the schema's order; `pick(names)` makes a function that gives some of them (one
    name: the bare value, several: a tuple), parsed, to be compared and hashed. Both are for structs only.
    """

    __slots__ = ("_hash", "form", "forms", "pick", "schema", "take")

    def __init__(
        self, schema: Schema, form: Form, take: Take, pick: Pick, forms: tuple[Form, ...] | None = None
    ) -> None:
        """Takes what it works with. `forms` are those of the fields, where they differ from that of the whole."""
        self.schema = schema
        self.form = form
        self.forms = forms or (form,) * len(schema.fields)
        self.take = take
        self.pick = pick
        self._hash = hash((schema, form, self.forms, self.is_row))

    @property
    def is_struct(self) -> bool:
        """Whether the values have fields, and so columns."""
        return self.schema.type is Type.STRUCT

    @property
    def is_row(self) -> bool:
        """Whether the values stand as tuples, which the `take` of another shape would take apart wrongly."""
        return self.take is tuple

    def __hash__(self) -> int:
        """As it is compared."""
        return self._hash

    def __eq__(self, other: object) -> bool:
        """See the class."""
        if self is other:
            return True
        if not isinstance(other, RecordSchema):
            return NotImplemented
        same_form = self.form is other.form and self.forms == other.forms and self.is_row is other.is_row
        return self._hash == other._hash and same_form and self.schema == other.schema

    def __repr__(self) -> str:
        """Schema and form."""
        return f"Shape({self.schema!r}, {self.form})"


def primitive_record_schema(schema: Schema, form: Form = Form.CONNECT) -> RecordSchema:
    """The shape of a value that is not a struct, such as a text that is the whole key."""
    return RecordSchema(schema, form, _no_fields, _no_fields)


def dict_record_schema(schema: Schema) -> RecordSchema:
    """The shape of structs that stand as dicts, which transforms and the registry converters give."""
    nested = {each.name for each in schema.fields if each.schema.type in {Type.ARRAY, Type.MAP, Type.STRUCT}}

    def pick(names: Sequence[str]) -> Callable[[Any], Any]:
        if nested.isdisjoint(names):
            return itemgetter(*names)
        return _picked(names, hashable)

    return RecordSchema(schema, Form.CONNECT, _take_items([each.name for each in schema.fields]), pick)


class RecordSchemas:
    """A shape for each schema that transforms or converters come up with, found by the schema's identity or its value."""

    def __init__(self, most: int = MOST_SCHEMAS) -> None:
        """Takes what it works with."""
        self._by_identity: LruCache[int, RecordSchema] = LruCache(most)
        self._by_value: LruCache[Schema, RecordSchema] = LruCache(most)
        self._last: RecordSchema | None = None

    def of(self, schema: Schema) -> RecordSchema:
        """The shape of a schema; the same one for an equal schema as long as it is not forgotten."""
        last = self._last
        if last is not None and last.schema is schema:
            return last
        found = self._by_identity.get(id(schema))
        if found is None or found.schema is not schema:
            found = self._by_value.get(schema)
            if found is None:
                made = (
                    dict_record_schema(schema)
                    if schema.type is Type.STRUCT
                    else primitive_record_schema(schema)
                )
                found = self._by_value.put(schema, made)
            if found.schema is schema:
                self._by_identity.put(id(schema), found)
        self._last = found
        return found


ANY = Schema(type=Type.STRING, optional=True, name="any")


class UntypedRecordSchemas:
    """Shapes of values without a schema: those with the same fields have the same shape."""

    def __init__(self, most: int = MOST_UNTYPED) -> None:
        """Takes what it works with."""
        self._by_names: LruCache[tuple[str, ...], RecordSchema] = LruCache(most)
        self._primitive = primitive_record_schema(ANY, Form.UNTYPED)

    def of(self, value: Any) -> RecordSchema:
        """The shape of a value; one of its own for what is no object."""
        if not isinstance(value, dict):
            return self._primitive
        names = tuple(sorted(value))
        found = self._by_names.get(names)
        if found is None:
            schema = Schema(type=Type.STRUCT, fields=tuple(Field(name, ANY) for name in names))
            found = self._by_names.put(
                names, RecordSchema(schema, Form.UNTYPED, _take_items(names), _pick_parsed)
            )
        return found


class HashableDict(dict[Any, Any]):
    """A struct or map that is part of a key. Not to be changed."""

    def __hash__(self) -> int:  # type: ignore[override] # a dict has none, being mutable
        """By schema and form."""
        return hash(frozenset(self.items()))


def hashable(value: Any) -> Any:
    """The value in a form that can be a key of a dict, and still be written: lists as tuples."""
    if isinstance(value, list | tuple):
        return tuple(map(hashable, value))
    if isinstance(value, dict):
        return HashableDict((hashable(name), hashable(each)) for name, each in value.items())
    return value


def parsed(value: Any) -> Any:
    """The value of a field that may not be parsed yet, as something that can be a key: nested values are JSON text."""
    if isinstance(value, msgspec.Raw):
        value = parse_exact(value)
    return encode_exact(value, order="deterministic") if isinstance(value, dict | list) else value


def _picked(names: Sequence[str], prepare: Callable[[Any], Any]) -> Callable[[Any], Any]:
    pick = itemgetter(*names)
    if len(names) == 1:
        return lambda value: prepare(pick(value))
    return lambda value: tuple(map(prepare, pick(value)))


def _pick_parsed(names: Sequence[str]) -> Callable[[Any], Any]:
    return _picked(names, parsed)


def _take_items(names: Sequence[str]) -> Take:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda value: tuple(value[name] for name in names)


def _no_fields(_: Any) -> Any:
    raise TypeError("only a struct has fields")
