"""The statements that write entries of one layout to one table."""

# ruff: noqa: S608 - making statements is what this module does; every name in them went through `identifiers.quote`

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sink_connector.config.connector import InsertMode, TableConfig
from sink_connector.sink.column_mapping import ColumnMapping, ColumnSource
from sink_connector.sink.ddl import columns_missing, unusable
from sink_connector.sink.encoders.encoder import Encoder
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.identifiers import quote
from sink_connector.sink.projections import Tracked
from sink_connector.sink.table_metadata import Column, Table, TableName

# A column of a temporary table that numbers its rows as they came: a table may return them in another order than it took them,
# and of two rows that are in conflict the first is to win.
PLACE = "place bigint GENERATED ALWAYS AS IDENTITY"


@dataclass(frozen=True, slots=True)
class Target:
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What is run for the rows of one relation: a row of parameters, or a temporary table.

    `capture` collects the rows about to change, `lock` takes their locks in the order of the keys; either may be empty.
    """

    capture: str
    lock: str
    write: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A temporary table for the rows of one plan."""

    name: str
    columns: tuple[str, ...]
    create: str
    clear: str


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WritePlan:
    """How entries of one layout are written to one table.

    `single` takes one row as parameters; `staged` all the rows in `stage`. With `direct`, rows may be copied straight into
    the table instead, with `direct_if_new` those whose keys the table does not have yet; with `together`, only one statement may hold them, whatever their number, because they may refer to
    each other. `prune` drops captured rows that did not change after all; empty when there are none.
    """

    table: TableName
    targets: tuple[Target, ...]
    tracking: Tracked | None
    single: Statements
    staged: Statements
    stage: Stage
    direct: bool
    direct_if_new: bool
    together: bool
    prune: str

    @property
    def columns(self) -> list[str]:
        """The names of the columns that are written, in the order of a row."""
        return [target.column.name for target in self.targets]

    def rows(self, columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Rows in the form of the wire types. Raises `BadRecordError` when a value cannot be brought into it."""
        encoded = [
            column if target.wire.encode is None else target.wire.encode(column)
            for target, column in zip(self.targets, columns, strict=True)
        ]
        return list(zip(*encoded, strict=True))


def make_write_plan(  # noqa: PLR0913 - each is a thing of its own
    config: TableConfig,
    table: Table,
    layout: ColumnMapping,
    *,
    stage: Callable[[str], str],
    delete: bool,
    tracking: Tracked | None,
) -> WritePlan:
    """Build the statements; `stage(declared)` names the temporary table for rows of these columns.

    Raises `BadRecordError` or `ChangeNeededError` when the table has no column for a field, `FatalError` when it lacks the
    key that the mode needs.
    """
    missing = [each for each in layout.sources if config.column_name(each.field.name) not in table.columns]
    if missing:
        raise columns_missing(config, table, missing)
    targets = tuple(
        _target(config, table.columns[config.column_name(each.field.name)], each) for each in layout.sources
    )
    builder = _Builder(table=table, targets=targets, config=config, tracking=tracking)
    names = tuple(f"c{place}" for place in range(len(targets)))
    declared = ", ".join(f"{name} {target.wire.type}" for name, target in zip(names, targets, strict=True))
    origin = " FROM {} AS r"
    if config.insert_mode is InsertMode.IGNORE:
        declared, origin = f"{declared}, {PLACE}", f"{origin} ORDER BY r.place"
    staged = stage(declared)
    plain = config.insert_mode in {InsertMode.INSERT, InsertMode.MULTI} and not delete
    copyable = (
        tracking is None
        and table.is_plain
        and not any(target.column.generated for target in targets)
        and all(target.as_it_is for target in targets)
    )
    upsert = config.insert_mode is InsertMode.UPSERT and not delete
    return WritePlan(
        table=table.name,
        targets=targets,
        tracking=tracking,
        single=builder.statements(
            builder.relation([f"${place}::{target.wire.type}" for place, target in enumerate(targets, 1)]),
            delete=delete,
        ),
        staged=builder.statements(
            builder.relation([f"r.{name}" for name in names], origin.format(quote("pg_temp", staged))),
            delete=delete,
        ),
        stage=Stage(
            name=staged,
            columns=names,
            create=create_stage(staged, declared),
            clear=clear_stage(staged),
        ),
        direct=plain and copyable,
        direct_if_new=upsert and copyable and not table.has_triggers,
        together=table.refers_to_itself,
        prune=builder.prune() if tracking is not None and not delete else "",
    )


def create_stage(name: str, declared: str) -> str:
    """Make a temporary table whose rows live as long as their transaction."""
    return f"CREATE TEMPORARY TABLE IF NOT EXISTS {quote('pg_temp', name)} ({declared}) ON COMMIT DELETE ROWS"


def clear_stage(name: str) -> str:
    """Empty a temporary table within its transaction."""
    return f"TRUNCATE {quote('pg_temp', name)}"


def _target(config: TableConfig, column: Column, source: ColumnSource) -> Target:
    wire = encoder_of(source.field.schema, source.form, column, nested=config.nested_type)
    return Target(column, wire, source.is_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Builder:
    """Puts statements together; `s` is the relation with the new rows, its columns named after their place."""

    table: Table
    targets: tuple[Target, ...]
    config: TableConfig
    tracking: Tracked | None

    def relation(self, sent: Sequence[str], origin: str = "") -> str:
        cells = (
            f"{target.expression(cell)} AS c{place}"
            for place, (cell, target) in enumerate(zip(sent, self.targets, strict=True))
        )
        return f"(SELECT {', '.join(cells)}{origin}) AS s"

    def statements(self, relation: str, *, delete: bool) -> Statements:
        mode = self.config.insert_mode
        insert = not delete and mode is not InsertMode.UPDATE
        old = self.tracking.old if self.tracking is not None else ""
        locking = f"FROM {self._table} JOIN {relation} ON {self._same_key()} ORDER BY {self._keys('s')} FOR UPDATE OF t"
        changes = any(target.is_key for target in self.targets) and (delete or mode is not InsertMode.IGNORE)
        return Statements(
            capture=f"INSERT INTO {old} SELECT t.* {locking}" if old and changes else "",
            lock=f"SELECT 1 {locking}" if not insert and not old else "",
            write=self._delete(relation)
            if delete
            else self._insert(relation)
            if insert
            else self._update(relation),
        )

    def prune(self) -> str:
        if self.tracking is None or not (self.config.version_field or not self._others()):
            return ""
        same = " AND ".join(f"n.{name} = o.{name}" for name in self._key_columns())
        return f"DELETE FROM {self.tracking.old} AS o WHERE NOT EXISTS (SELECT FROM {self.tracking.new} AS n WHERE {same})"

    @property
    def _table(self) -> str:
        return f"{self.table.name.sql} AS t"

    def _delete(self, relation: str) -> str:
        return f"DELETE FROM {self._table} USING {relation} WHERE {self._same_key()}"

    def _update(self, relation: str) -> str:
        assigned = ", ".join(f"{name} = s.c{place}" for place, name in self._others())
        if not assigned:
            raise unusable(
                self.config,
                f"insert.mode=update has nothing to update in {self.table.called}: every field is part of the key",
            )
        version = next((f"s.c{place}" for place, name in self._others() if name == self._version), "")
        return self._collected(
            f"UPDATE {self._table} SET {assigned} FROM {relation} WHERE {self._same_key()}{self._guard(' AND ', version)}"
        )

    def _insert(self, relation: str) -> str:
        written = [(place, each.column) for place, each in enumerate(self.targets) if each.is_written]
        names = ", ".join(quote(column.name) for _, column in written)
        cells = ", ".join(f"s.c{place}" for place, _ in written)
        overriding = any(target.column.identity_always for target in self.targets)
        statement = (
            f"INSERT INTO {self._table} ({names}) {'OVERRIDING SYSTEM VALUE ' if overriding else ''}"
            f"SELECT {cells} FROM {relation}"
        )
        if self.config.insert_mode in {InsertMode.UPSERT, InsertMode.IGNORE}:
            statement += self._on_conflict()
        return self._collected(statement)

    def _on_conflict(self) -> str:
        mode = self.config.insert_mode.value
        keys = [target.column.name for target in self.targets if target.is_key]
        if not keys and not self.table.deferrable_keys:
            return " ON CONFLICT DO NOTHING"
        listed = ", ".join(map(quote, keys))
        deferrable = [each for each in self.table.deferrable_keys if not keys or each == frozenset(keys)]
        if deferrable and frozenset(keys) not in self.table.keys:
            raise unusable(
                self.config,
                f"insert.mode={mode} cannot use the key on {', '.join(sorted(deferrable[0]))} of table {self.table.called}: it is "
                "DEFERRABLE, and ON CONFLICT takes only keys that are checked at once; drop it and add it again without DEFERRABLE",
            )
        if frozenset(keys) not in self.table.keys and not self.table.is_view:
            raise unusable(
                self.config,
                f"insert.mode={mode} needs a primary key on {', '.join(keys)} of table {self.table.called}; "
                f"ALTER TABLE {self.table.called.sql} ADD PRIMARY KEY ({listed}) would add it",
            )
        assigned = ", ".join(f"{name} = excluded.{name}" for _, name in self._others())
        if not assigned or self.config.insert_mode is InsertMode.IGNORE:
            return f" ON CONFLICT ({listed}) DO NOTHING"
        guard = self._guard(" WHERE ", f"excluded.{self._version}")
        return f" ON CONFLICT ({listed}) DO UPDATE SET {assigned}{guard}"

    def _collected(self, statement: str) -> str:
        if self.tracking is None:
            return statement
        return f"WITH changed AS ({statement} RETURNING t.*) INSERT INTO {self.tracking.new} SELECT * FROM changed"

    @property
    def _version(self) -> str:
        return quote(self.config.version_field)

    def _guard(self, joined: str, newer: str) -> str:
        if not self.config.version_field or not newer:
            return ""
        return f"{joined}(t.{self._version} IS NULL OR t.{self._version} < {newer})"

    def _key_columns(self) -> list[str]:
        return [quote(target.column.name) for target in self.targets if target.is_key]

    def _keys(self, relation: str) -> str:
        return ", ".join(f"{relation}.c{place}" for place, target in enumerate(self.targets) if target.is_key)

    def _same_key(self) -> str:
        return " AND ".join(
            f"t.{quote(target.column.name)} = {target.compared(f's.c{place}')}"
            for place, target in enumerate(self.targets)
            if target.is_key
        )

    def _others(self) -> list[tuple[int, str]]:
        """What an update assigns: not what the database generates, which it refuses to be given."""
        return [
            (place, quote(each.column.name))
            for place, each in enumerate(self.targets)
            if not (each.is_key or each.column.generated)
        ]
