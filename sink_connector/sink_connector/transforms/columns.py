"""The values of many records at once, field by field: what transforms change where all of them have one schema.

A transform that can do that takes and gives `ValueColumns`; what it does not touch stays as the decoder left it. Where one
cannot, for this schema or at all, it gives None, and each record goes through the chain as a `Record` of its own. Whatever it
raises says that one of the records does not fit, and has each looked at alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any, Protocol, runtime_checkable

from sink_connector.data.record import TIMESTAMP, Schema
from sink_connector.data.record_schema import Form
from sink_connector.data.write_record import ReadRecords

Column = Sequence[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueColumns:
    """Values of one struct schema: for each of its fields, in their order, a column and the form its cells stand in.

    `topic` names their table, as a transform may have changed it; `read` is where the records came from.
    """

    topic: str
    read: ReadRecords
    schema: Schema
    cells: tuple[Column, ...]
    forms: tuple[Form, ...]

    @property
    def has_defaults(self) -> bool:
        """Whether a null may stand for something else."""
        return any(each.schema.default is not None for each in self.schema.fields)

    def column(self, place: int) -> Column | None:
        """A column in the Python form of `record.py`; None where reading it is as much work as reading the record."""
        schema = self.schema.fields[place].schema
        plain = schema.logical is None and schema.type.value not in {"array", "map", "struct"}
        return self.cells[place] if plain or self.forms[place] is Form.CONNECT else None

    def millis(self, place: int) -> Column | None:
        """A column of Connect's Timestamps as milliseconds since 1970; None where it is another or not read that way."""
        is_timestamp = self.schema.fields[place].schema.logical == TIMESTAMP
        return self.cells[place] if is_timestamp and self.forms[place] is Form.JSON else None

    def with_column(self, schema: Schema, place: int, column: Column) -> "ValueColumns":
        """The same with another column, in the Python form of `record.py`, in the place of one."""
        cells, forms = list(self.cells), list(self.forms)
        cells[place], forms[place] = column, Form.CONNECT
        return replace(self, schema=schema, cells=tuple(cells), forms=tuple(forms))

    def with_more(self, schema: Schema, columns: Sequence[Column], form: Form) -> "ValueColumns":
        """The same with more columns behind the others."""
        return replace(
            self, schema=schema, cells=(*self.cells, *columns), forms=(*self.forms, *[form] * len(columns))
        )

    def where(self, kept: Sequence[bool]) -> "ValueColumns":
        """Those of the records that are kept."""
        cells = tuple(tuple(compress(column, kept)) for column in self.cells)
        return replace(self, read=self.read.where(kept), cells=cells)

    def chosen(self, schema: Schema, places: Sequence[int]) -> "ValueColumns":
        """Some of the columns, in another order perhaps."""
        return replace(
            self,
            schema=schema,
            cells=tuple(self.cells[place] for place in places),
            forms=tuple(self.forms[place] for place in places),
        )


@runtime_checkable
class ColumnTransform(Protocol):
    """A transform, or what one makes of the values, that can work on columns."""

    def apply_all(self, values: ValueColumns) -> ValueColumns | None:
        """What it makes of every record; None where each is to be looked at. Raises what `apply` raises for one of them."""
        ...
