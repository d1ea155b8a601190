"""The SQL that writes the rows of one relation to a table."""

# ruff: noqa: S608 - making statements is what this module does; every name in them went through `identifiers.quote`

from collections.abc import Sequence
from dataclasses import dataclass

from sink_connector.config.connector import InsertMode, PkMode, TableConfig
from sink_connector.errors import BadRecordError
from sink_connector.sink.ddl import unusable
from sink_connector.sink.identifiers import quote
from sink_connector.sink.projections import Changes
from sink_connector.sink.staging_table import StagingTable
from sink_connector.sink.table_metadata import Table
from sink_connector.sink.target_columns import TargetColumn

FOREIGN = "f"  # a kind of relation


@dataclass(frozen=True, slots=True, kw_only=True)
class Statements:
    """What is run for the rows of one relation: parameters, an array, or a temporary table.

    `capture` collects the rows about to change, `lock` takes their locks in the order of the keys; either may be empty.
    """

    capture: str
    lock: str
    write: str


def parameters(types: Sequence[str], most: int, *, first: int) -> str:
    """A list of up to `most` numbered rows: parameter number `first` says how many, they follow, one after the other."""
    rows = (
        ", ".join(f"${first + 1 + row * len(types) + place}::{kind}" for place, kind in enumerate(types))
        for row in range(most)
    )
    return f"(VALUES {', '.join(f'({number}, {row})' for number, row in enumerate(rows, 1))})"


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementBuilder:
    """Puts statements together; `s` is the relation with the new rows, its columns named after their place."""

    table: Table
    targets: tuple[TargetColumn, ...]
    config: TableConfig
    tracking: Changes | None

    def for_parameters(self, *, delete: bool) -> Statements:
        """Those for one row, which is their parameters."""
        sent = [f"${place}::{target.wire.type}" for place, target in enumerate(self.targets, 1)]
        return self._statements(self._relation(sent), delete=delete)

    def for_rows(self, most: int, *, first: int, delete: bool) -> str:
        """The statement for up to `most` rows, which are parameters as `parameters` says."""
        names = [f"c{place}" for place in range(len(self.targets))]
        listed = parameters([target.wire.type for target in self.targets], most, first=first)
        relation = f" FROM {listed} AS r (place, {', '.join(names)}) WHERE r.place <= ${first}::integer"
        return self._statements(
            self._relation([f"r.{name}" for name in names], relation), delete=delete
        ).write

    def for_argument(self, stage: StagingTable, argument: str, *, delete: bool) -> Statements:
        """Those for all the rows of an array, each of which is as one of the temporary table."""
        sent = [f"r.{name}" for name in stage.columns]
        return self._statements(self._relation(sent, f" FROM unnest({argument}) AS r"), delete=delete)

    def for_stage(self, stage: StagingTable, *, delete: bool) -> Statements:
        """Those for all the rows in a temporary table."""
        order = " ORDER BY r.place" if self.config.insert_mode is InsertMode.IGNORE else ""
        sent = [f"r.{name}" for name in stage.columns]
        return self._statements(self._relation(sent, f" FROM {stage.sql} AS r{order}"), delete=delete)

    def prune(self) -> str:
        """Drops captured rows that did not change after all; empty when there are none."""
        if self.tracking is None or not (self.config.version_field or not self._others()):
            return ""
        return self.tracking.prune(self._key_columns())

    def _relation(self, sent: Sequence[str], origin: str = "") -> str:
        cells = (
            f"{target.expression(cell)} AS c{place}"
            for place, (cell, target) in enumerate(zip(sent, self.targets, strict=True))
        )
        return f"(SELECT {', '.join(cells)}{origin}) AS s"

    def _statements(self, relation: str, *, delete: bool) -> Statements:
        mode = self.config.insert_mode
        insert = not delete and mode is not InsertMode.UPDATE
        locking = f"FROM {self._table} JOIN {relation} ON {self._same_key()} ORDER BY {self._keys('s')} FOR UPDATE OF t"
        changes = any(target.is_key for target in self.targets) and (delete or mode is not InsertMode.IGNORE)
        # A view that aggregates has no rows to lock.
        lockable = self.table.may_lock_rows and not self.table.is_view
        locks = lockable and self.tracking is None and (not insert or self.lacks_required)
        return Statements(
            capture=self.tracking.capture(locking) if self.tracking is not None and changes else "",
            lock=f"SELECT 1 {locking}" if locks else "",
            write=self._delete(relation)
            if delete
            else self._insert(relation)
            if insert
            else self._update(relation),
        )

    @property
    def _table(self) -> str:
        return f"{self.table.name.sql} AS t"

    def _delete(self, relation: str) -> str:
        return f"DELETE FROM {self._table} USING {relation} WHERE {self._same_key()}"

    def _update(self, relation: str) -> str:
        if not self._others():
            raise BadRecordError(
                f"insert.mode=update has nothing to update in {self.table.called}: every field is part of the key"
            )
        return self._collected(self._updated(relation))

    def _updated(self, relation: str) -> str:
        assigned = ", ".join(f"{name} = s.c{place}" for place, name in self._others())
        none = "NULL" if self.config.insert_mode is InsertMode.UPSERT else ""  # as `excluded` has it
        version = next((f"s.c{place}" for place, name in self._others() if name == self._version), none)
        return f"UPDATE {self._table} SET {assigned} FROM {relation} WHERE {self._same_key()}{self._guard(' AND ', version)}"

    def _insert(self, relation: str) -> str:
        written = [(place, each.column) for place, each in enumerate(self.targets) if each.is_written]
        names = ", ".join(quote(column.name) for _, column in written)
        cells = ", ".join(f"s.c{place}" for place, _ in written)
        overriding = any(target.column.identity_always for target in self.targets)
        statement = (
            f"INSERT INTO {self._table} ({names}) {'OVERRIDING SYSTEM VALUE ' if overriding else ''}"
            f"SELECT {cells} FROM {relation}"
        )
        if self.lacks_required:
            statement += f" WHERE NOT EXISTS (SELECT FROM {self._table} WHERE {self._same_key()})"
        if self.config.insert_mode in {InsertMode.UPSERT, InsertMode.IGNORE}:
            statement += self._on_conflict()
        if self.lacks_required and self._others() and self.config.insert_mode is InsertMode.UPSERT:
            return self._collected(self._updated(relation), statement)
        return self._collected(statement)

    @property
    def lacks_required(self) -> bool:
        """Whether rows that are there are to be told from new ones: a column that may refuse a null and has no default is not given.

        The server refuses an INSERT without it even where there is a conflict, and so nothing to be inserted.
        """
        given = {target.column.name for target in self.targets}
        return (
            self.config.insert_mode in {InsertMode.UPSERT, InsertMode.IGNORE}
            and any(target.is_key for target in self.targets)
            and not self.table.changes_new_rows  # a trigger may fill it, and is asked for each row
            and any(
                each.may_refuse_null and not (each.has_default or each.generated) and each.name not in given
                for each in self.table.columns.values()
            )
        )

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
            if self._names_its_key and self.table.keys:
                raise BadRecordError(
                    f"insert.mode={mode}: {', '.join(keys)}, which the record has as its key, are no key of table {self.table.called}"
                )
            raise unusable(
                self.config,
                f"insert.mode={mode} needs a {'unique' if self.table.has_primary_key else 'primary'} key on {', '.join(keys)} "
                f"of table {self.table.called}; {self._key_advice(keys)}",
            )
        assigned = ", ".join(f"{name} = excluded.{name}" for _, name in self._others())
        if not assigned or self.config.insert_mode is InsertMode.IGNORE:
            return f" ON CONFLICT ({listed}) DO NOTHING"
        guard = self._guard(" WHERE ", f"excluded.{self._version}")
        return f" ON CONFLICT ({listed}) DO UPDATE SET {assigned}{guard}"

    def _key_advice(self, keys: Sequence[str]) -> str:
        """How the table could have this key, or why it cannot."""
        table = self.table
        if table.kind == FOREIGN:
            return "it is a foreign table, which has none"
        if outside := [name for name in table.partitioned_by if name not in keys]:
            return f"it is partitioned by {', '.join(outside)}, which each of its keys must hold, and so must pk.fields"
        kind = "UNIQUE" if table.has_primary_key else "PRIMARY KEY"
        return f"ALTER TABLE {table.called.sql} ADD {kind} ({', '.join(map(quote, keys))}) would add it"

    @property
    def _names_its_key(self) -> bool:
        """Whether the schema of each record says what its key is."""
        by_record = self.config.pk_mode in {PkMode.RECORD_KEY, PkMode.RECORD_VALUE}
        return by_record and not self.config.pk_fields

    def _collected(self, *statements: str) -> str:
        """The statements as one, with what they wrote kept where it is tracked."""
        if self.tracking is None:
            *first, last = statements
            return "".join(f"WITH earlier AS ({each}) " for each in first) + last
        return self.tracking.collected(statements)

    @property
    def _version(self) -> str:
        return quote(self.config.column_name(self.config.version_field))

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
