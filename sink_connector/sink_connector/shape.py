"""How the values of one schema are taken apart: the bridge from converters and transforms to the writer."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from operator import itemgetter
from typing import Any

from sink_connector.record import Schema, Type


class Form(Enum):
    """In which form a shape's values stand."""

    JSON = "json"  # as JSON has them: instants as integers, decimals and nested values as unparsed text
    CONNECT = "connect"  # as `record.py` has them
    PLAIN = "plain"  # without a schema: whatever JSON gives, typed by the table's columns


Take = Callable[[Any], tuple[Any, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """A schema ready to be used record after record. Compared by identity: one schema, one shape.

    `take` gives all field values in the schema's order; `pick(names)` makes a function that gives some of them (one
    name: the bare value, several: a tuple). Both exist for structs only.
    """

    schema: Schema
    form: Form
    take: Take = field(repr=False)
    pick: Callable[[Sequence[str]], Callable[[Any], Any]] = field(repr=False)

    @property
    def is_struct(self) -> bool:
        return self.schema.type is Type.STRUCT


def dict_shape(schema: Schema, form: Form = Form.CONNECT) -> Shape:
    """The shape of values that stand as dicts, which transforms and the registry converters give."""
    names = [each.name for each in schema.fields]
    return Shape(schema, form, _take_items(names), itemgetter_of)


def itemgetter_of(names: Sequence[str]) -> Callable[[Any], Any]:
    return itemgetter(*names)


def _take_items(names: Sequence[str]) -> Take:
    if len(names) > 1:
        return itemgetter(*names)
    return lambda value: tuple(value[name] for name in names)
