"""The rows of many change events at once: what `UnwrapChangeEvent` makes of each of them.

The compiled decoder leaves the states before and after as JSON text. The one that is written is read by the decoder of its own
schema, as a flat record would be; the others only to know that they fit.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from sink_connector.converters.compiled import json_type
from sink_connector.converters.connect_json import json_reader
from sink_connector.converters.json_envelope import NULL, Decoder
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.record import Schema, Type
from sink_connector.data.record_schema import Form, RecordSchema
from sink_connector.data.write_record import WriteRecords
from sink_connector.transforms.change_events import (
    AFTER,
    DELETE,
    MESSAGE,
    OPERATION,
    TRUNCATE,
    is_envelope,
    is_side_record,
)
from sink_connector.transforms.data import PerSchema
from sink_connector.transforms.unavailable import Placeholder

CompileRow = Callable[[Schema], tuple[RecordSchema, Decoder]]

NO_ROW = {TRUNCATE, MESSAGE}
NESTED = {Type.STRUCT, Type.ARRAY, Type.MAP}


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where the parts of an event stand among its fields, and what reads them."""

    operation: int
    after: int
    row: RecordSchema
    decode: Decoder
    checks: tuple[tuple[int, Decoder], ...]


class UnwrappedRows:
    """Makes rows of events whose values are those of Connect's JSON."""

    def __init__(self, compile_row: CompileRow, *, truncates: bool, placeholder: Placeholder) -> None:
        """`compile_row` gives the shape of a struct's schema, and its decoder; the rest is as in `UnwrapChangeEvent`."""
        self._placeholder = placeholder
        self._compile = compile_row
        self._truncates = truncates
        self._plan = PerSchema(self._make)

    def of(self, events: WriteRecords) -> WriteRecords | None:
        """The rows, with tombstones for deletions and without events that concern no row; None where each is to be looked at.

        Raises whatever reading one of them raises.
        """
        shapes = [shape for shape in events.different_shapes if shape is not None]
        shape = shapes[0] if len(shapes) == 1 else None
        plan = None if shape is None or shape.form is not Form.JSON else self._plan(shape.schema)
        if shape is None or plan is None:
            return None
        places = [place for place, value in enumerate(events.values) if value is not None]
        cells = list(zip(*[shape.take(events.values[place]) for place in places], strict=True))
        for place, check in plan.checks:
            for text in _texts(cells[place]):
                if text != NULL:
                    check(text)
        operations, states = cells[plan.operation], _texts(cells[plan.after])
        if self._truncates and TRUNCATE in operations:
            return None
        decode = plan.decode
        rows = [
            None if text == NULL or operation == DELETE else decode(text)
            for operation, text in zip(operations, states, strict=True)
        ]
        cells = list(zip(*map(plan.row.take, filter(None, rows)), strict=True))
        if cells and self._placeholder.is_in(plan.row.schema, cells):
            return None
        made = _with_rows(events, dict(zip(places, rows, strict=True)), plan.row)
        if NO_ROW.isdisjoint(operations):
            return made
        dropped = {place for place, each in zip(places, operations, strict=True) if each in NO_ROW}
        return made.at([place for place in range(len(made)) if place not in dropped])

    def _make(self, schema: Schema) -> _Plan | None:
        """None for what cannot be told by the texts alone."""
        after, operation = schema.field(AFTER), schema.field(OPERATION)
        if not is_envelope(schema) or is_side_record(schema) or after is None or operation is None:
            return None
        nested = [each for each in schema.fields if each.schema.type in NESTED]
        if (
            operation.schema.type is not Type.STRING
            or after not in nested
            or not after.schema.optional
            or any(each.schema.type is not Type.STRUCT or each.schema.default is not None for each in nested)
            or any(each.schema.type is Type.ARRAY for each in after.schema.fields)  # of bytes, as numbers
        ):
            return None
        row, decode = self._compile(after.schema)
        others = [each for each in nested if each is not after]
        return _Plan(
            operation=schema.fields.index(operation),
            after=schema.fields.index(after),
            row=row,
            decode=decode,
            checks=tuple((schema.fields.index(each), self._check(each.schema)) for each in others),
        )

    def _check(self, schema: Schema) -> Decoder:
        """What raises for a text that does not fit: the decoder, where it looks at all of it."""
        if all(json_type(each.schema) is not msgspec.Raw for each in schema.fields):
            return self._compile(schema)[1]
        read = json_reader(schema)
        return lambda text: read(parse_exact(text))


def _with_rows(events: WriteRecords, rows: Mapping[int, Any], shape: RecordSchema) -> WriteRecords:
    """The same records with rows, or None, in the place of the events' values."""
    values, shapes = list(events.values), list(events.shapes)
    for place, row in rows.items():
        values[place] = row
        shapes[place] = None if row is None else shape
    return replace(events, values=values, shapes=shapes)


def _texts(column: Sequence[Any]) -> list[bytes]:
    return [NULL if raw is None else bytes(raw) for raw in column]
