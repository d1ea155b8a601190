"""The columns of a table that entries of one layout are written to."""

from dataclasses import dataclass

from sink_connector.config.connector import TableConfig
from sink_connector.sink.column_mapping import ColumnMapping, ColumnSource
from sink_connector.sink.ddl import columns_missing
from sink_connector.sink.encoders.encoder import Encoder
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.table_metadata import Column, Table


@dataclass(frozen=True, slots=True)
class TargetColumn:
    """One column as it is written: how it travels and which expression makes the table's type of it."""

    column: Column
    wire: Encoder
    is_key: bool

    @property
    def as_it_is(self) -> bool:
        """Whether what is sent is what the column holds, so that it may be copied straight into the table."""
        return self.wire.fits(self.column)

    @property
    def is_written(self) -> bool:
        """Whether an INSERT may give it: the value of a generated column is the table's own; an identity can be overridden."""
        return self.column.identity_always or not self.column.generated

    def compared(self, cell: str) -> str:
        """A new value, in a relation made by `expression`, as it is compared with the column's."""
        plain = self.as_it_is and self.column.modifier < 0 and self.wire.type == self.column.type
        return cell if plain else self.column.compared(cell)

    def expression(self, sent: str) -> str:
        """The SQL expression for what is sent; the column takes it by assignment, which refuses what is too long."""
        return self.wire.expression(sent, self.column)


def target_columns(config: TableConfig, table: Table, layout: ColumnMapping) -> tuple[TargetColumn, ...]:
    """The columns of a layout, in its order.

    Raises `BadRecordError` or `ChangeNeededError` when the table has no column for a field.
    """
    missing = [each for each in layout.sources if config.column_name(each.field.name) not in table.columns]
    if missing:
        raise columns_missing(config, table, missing)
    return tuple(
        _target(config, table.columns[config.column_name(each.field.name)], each) for each in layout.sources
    )


def _target(config: TableConfig, column: Column, source: ColumnSource) -> TargetColumn:
    wire = encoder_of(source.field.schema, source.form, column, nested=config.nested_type)
    return TargetColumn(column, wire, source.is_key)
