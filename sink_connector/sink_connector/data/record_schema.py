"""How the values of one schema are taken apart: the bridge from converters and transforms to the writer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import Any

import msgspec

from sink_connector.data.record import Field, Schema, Type

MOST_SHAPES = 256  # more of them at once means that schemas are made up per record


class Form(Enum):
    """In which form a shape's values stand."""

    JSON = "json"  # as JSON has them: instants as integers, decimals and nested values as unparsed text
    CONNECT = "connect"  # as `record.py` has them
    UNTYPED = "untyped"  # without a schema: parsed JSON, or text not parsed yet; the table's columns type it


Take = Callable[[Any], tuple[Any, ...]]
Pick = Callable[[Sequence[str]], Callable[[Any], Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A schema ready to be used record after record. Compared by identity: one schema, one shape.

    `take` gives all field values in the schema's order; `pick(names)` makes a function that gives some of them (one
    name: the bare value, several: a tuple), parsed, to be compared and hashed. Both are for structs only.
    """

    schema: Schema
    form: Form
    take: Take = field(repr=False)
    pick: Pick = field(repr=False)

    @property
    def is_struct(self) -> bool:
        return self.schema.type is Type.STRUCT


def primitive_shape(schema: Schema, form: Form = Form.CONNECT) -> Shape:
    """The shape of a value that is not a struct, such as a text that is the whole key."""
    return Shape(schema, form, _no_fields, _no_fields)


def dict_shape(schema: Schema) -> Shape:
    """The shape of structs that stand as dicts, which transforms and the registry converters give."""
    return Shape(schema, Form.CONNECT, _take_items([each.name for each in schema.fields]), _pick_items)


class Shapes:
    """A shape for each schema that transforms or converters come up with."""

    def __init__(self) -> None:
        self._by_identity: dict[int, Shape] = {}
        self._by_value: dict[Schema, Shape] = {}

    def of(self, schema: Schema) -> Shape:
        found = self._by_identity.get(id(schema))
        if found is not None and found.schema is schema:
            return found
        found = self._by_value.get(schema)
        if found is None:
            if len(self._by_value) >= MOST_SHAPES:
                self._by_value.clear()
                self._by_identity.clear()
            found = dict_shape(schema) if schema.type is Type.STRUCT else primitive_shape(schema)
            self._by_value[schema] = self._by_identity[id(schema)] = found
        return found


ANY = Schema(type=Type.STRING, optional=True, name="any")


class UntypedShapes:
    """Shapes of values without a schema: those with the same fields have the same shape."""

    def __init__(self) -> None:
        self._by_names: dict[tuple[str, ...], Shape] = {}
        self._primitive = primitive_shape(ANY, Form.UNTYPED)

    def of(self, value: Any) -> Shape:
        if not isinstance(value, dict):
            return self._primitive
        names = tuple(sorted(value))
        found = self._by_names.get(names)
        if found is None:
            if len(self._by_names) >= MOST_SHAPES:
                self._by_names.clear()
            schema = Schema(type=Type.STRUCT, fields=tuple(Field(name, ANY) for name in names))
            found = Shape(schema, Form.UNTYPED, _take_items(names), _pick_parsed)
            self._by_names[names] = found
        return found


def parsed(value: Any) -> Any:
    """The value of a field that may not be parsed yet, as something that can be a key: nested values stay text."""
    if isinstance(value, msgspec.Raw):
        value = msgspec.json.decode(value)
    return msgspec.json.encode(value, order="deterministic") if isinstance(value, dict | list) else value


def _take_items(names: Sequence[str]) -> Take:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda value: tuple(value[name] for name in names)


def _pick_items(names: Sequence[str]) -> Callable[[Any], Any]:
    return itemgetter(*names)


def _pick_parsed(names: Sequence[str]) -> Callable[[Any], Any]:
    pick = itemgetter(*names)
    if len(names) == 1:
        return lambda value: parsed(pick(value))
    return lambda value: tuple(map(parsed, pick(value)))


def _no_fields(_: Any) -> Any:
    raise TypeError("only a struct has fields")
