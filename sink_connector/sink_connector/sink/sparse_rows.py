"""Writing records without a schema whose fields differ from one to the next, by one statement for all of them.

Each set of fields would otherwise be a statement of its own. Here a row carries, beside its values, which of its fields the
record had: a column whose field is absent keeps what it holds, and has its default in a row that is new.
"""

# ruff: noqa: S608 - every name in the statements went through `identifiers.quote`

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from asyncpg import Connection

from sink_connector.config.connector import InsertMode, PkMode, TableConfig
from sink_connector.data.record_schema import ANY, Form, parsed
from sink_connector.data.write_record import WriteRecords
from sink_connector.errors import BadRecordError
from sink_connector.sink.column_mapping import wanted
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.identifiers import check, quote
from sink_connector.sink.staging_table import PLACE
from sink_connector.sink.table_metadata import Column, Table
from sink_connector.sink.target_columns import TargetColumn

FEW_SHAPES = 8  # up to which a statement for each is as good
NULL = msgspec.Raw(b"null")

Fill = Callable[[str, Sequence[str], Sequence[Any]], Awaitable[str]]
MERGES = 15  # the first version of PostgreSQL that has MERGE


@dataclass(frozen=True, slots=True)
class SparseRows:
    """The records of one table, each key once, and the fields that any of them has."""

    table: Table
    config: TableConfig
    values: Sequence[dict[str, Any]]
    fields: tuple[str, ...]

    async def write(self, connection: Connection, fill: Fill) -> int:
        """Write them; `fill(declared, columns, rows)` puts rows into a temporary relation and gives its name as SQL.

        Raises `BadRecordError` when a field has no column or a value does not fit its own.
        """
        keys = set(self.config.pk_fields) if self.config.pk_mode is PkMode.RECORD_VALUE else set()
        targets = [self._target(name, is_key=name in keys) for name in self.fields]
        columns, rest = [], []
        for name, target in zip(self.fields, targets, strict=True):
            found = [value.get(name, NULL) for value in self.values]
            columns.append(found if target.wire.encode is None else target.wire.encode(found))
            rest.append([name in value for value in self.values])
        names = [f"c{place}" for place in range(len(targets))] + [
            f"p{place}" for place in range(len(targets))
        ]
        types = [target.wire.type for target in targets] + ["boolean"] * len(targets)
        declared = ", ".join(f"{name} {kind}" for name, kind in zip(names, types, strict=True))
        rows = list(zip(*columns, *rest, strict=True))
        if self.config.insert_mode is InsertMode.UPSERT:
            statement = _upsert(self.table, targets, await fill(declared, names, rows))
        elif self.config.insert_mode is InsertMode.IGNORE:
            relation = await fill(f"{declared}, {PLACE}", names, rows)
            statement = f"{_insert(self.table, targets, relation)} ORDER BY r.place {_on_conflict(targets)}"
        else:
            statement = _insert(self.table, targets, await fill(declared, names, rows))
        await connection.execute(statement)
        return len(self.values)

    def _target(self, field: str, *, is_key: bool) -> TargetColumn:
        column = self._column(field)
        return TargetColumn(
            column, encoder_of(ANY, Form.UNTYPED, column, nested=self.config.nested_type), is_key
        )

    def _column(self, field: str) -> Column:
        name = check(self.config.column_name(field), self.config.identifiers_allow)
        column = self.table.columns.get(name)
        if column is None:
            raise BadRecordError(f"table {self.table.called} has no column for {field!r}")
        return column


def sparse_rows(config: TableConfig, table: Table, topic: str, entries: WriteRecords) -> SparseRows | None:
    """Sparse entries as rows, or None where a statement for each set of fields is to write them."""
    if not _is_possible(config, table):
        return None
    values = entries.values
    keys = config.pk_fields if config.pk_mode is PkMode.RECORD_VALUE else ()
    if not all(values) or any(name not in value for value in values for name in keys):
        return None  # one without its key, or without any field, is found when each is written alone
    if config.insert_mode is InsertMode.UPSERT:
        by_key = {tuple(parsed(value[name]) for name in keys) for value in values}
        if len(by_key) < len(values):
            return None  # the states of a key are to be written one after another
    names = {name: None for value in values for name in value}
    fields = tuple(name for name in sorted(names) if wanted(config, topic, name) or name in config.pk_fields)
    return SparseRows(table, config, values, fields)


def _is_possible(config: TableConfig, table: Table) -> bool:
    mode, columns = config.insert_mode, frozenset(map(config.column_name, config.pk_fields))
    if not table.is_plain or table.has_triggers or table.refers_to_itself or config.version_field:
        return False
    if any(column.has_default or column.generated for column in table.columns.values()):
        return False
    if config.pk_mode is PkMode.NONE:
        return mode is not InsertMode.IGNORE or not table.deferrable_keys
    keyed = config.pk_mode is PkMode.RECORD_VALUE and columns in table.keys
    return keyed and mode in {InsertMode.UPSERT, InsertMode.IGNORE}


def are_sparse(entries: WriteRecords) -> bool:
    """Whether these are objects without a schema, of so many sets of fields that a statement for each would be slow."""
    if len(entries) <= FEW_SHAPES:
        return False
    shapes = entries.different_shapes
    return (
        len(shapes) > FEW_SHAPES
        and all(shape is not None and shape.form is Form.UNTYPED for shape in shapes)
        and set(map(type, entries.values)) == {dict}
    )


def _insert(table: Table, targets: Sequence[TargetColumn], relation: str) -> str:
    cells = ", ".join(target.expression(f"r.c{place}") for place, target in enumerate(targets))
    names = ", ".join(quote(target.column.name) for target in targets)
    return f"INSERT INTO {table.name.sql} ({names}) SELECT {cells} FROM {relation} AS r"


def _on_conflict(targets: Sequence[TargetColumn]) -> str:
    keys = ", ".join(quote(target.column.name) for target in targets if target.is_key)
    return f"ON CONFLICT {f'({keys}) ' if keys else ''}DO NOTHING"


def _upsert(table: Table, targets: Sequence[TargetColumn], relation: str) -> str:
    cells = [target.expression(f"r.c{place}") for place, target in enumerate(targets)]
    names = ", ".join(quote(target.column.name) for target in targets)
    keys = [place for place, target in enumerate(targets) if target.is_key]
    presence = ", ".join(f"r.p{place}" for place in range(len(targets)))
    source = ", ".join(f"{cell} AS c{place}" for place, cell in enumerate(cells))
    same = " AND ".join(
        f"t.{quote(targets[place].column.name)} = {targets[place].compared(f's.c{place}')}" for place in keys
    )
    assigned = ", ".join(
        f"{quote(target.column.name)} = CASE WHEN s.p{place} THEN s.c{place} ELSE t.{quote(target.column.name)} END"
        for place, target in enumerate(targets)
        if not target.is_key
    )
    matched = f"UPDATE SET {assigned}" if assigned else "DO NOTHING"
    order = ", ".join(f"c{place}" for place in keys)
    return (
        f"MERGE INTO {table.name.sql} AS t USING (SELECT {source}, {presence} FROM {relation} AS r ORDER BY {order}) AS s "
        f"ON {same} WHEN MATCHED THEN {matched} "
        f"WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({', '.join(f's.c{place}' for place in range(len(targets)))})"
    )
