"""Writing what can be written of a batch that holds records which cannot: they are found by halving, within savepoints."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncpg import CardinalityViolationError, Connection, PostgresError

from sink_connector.data import sql_files
from sink_connector.data.write_record import WriteRecords
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.sink.ddl import ChangeNeededError
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.table_metadata import TableName

SQL = sql_files.load("table_writer.sql", package=__package__)
# What may come right when the rest of the batch is written: a missing parent, a key that another row still has.
RELATED = {"23503", "23505", "23P01"}

Place = tuple[str, TableName]
Apply = Callable[[Place, WriteRecords], Awaitable[int]]
KeysOf = Callable[[Place, WriteRecords], Sequence[Any] | None]


@dataclass(slots=True)
class _Failure:
    """A record that was refused alone, and those after it that have its key, which must be written after it."""

    place: Place
    entries: WriteRecords
    error: Exception


@dataclass(slots=True, kw_only=True)
class Isolation:
    """One attempt at one batch, within its transaction.

    `apply` writes entries of one table; `apply_singly` the same one by one in their order; `keys_of` gives keys to compare,
    None for a table without.
    """

    connection: Connection
    apply: Apply
    apply_singly: Apply
    keys_of: KeysOf
    final: bool
    _failures: list[_Failure] = field(default_factory=list)

    async def write(self, tables: Sequence[tuple[Place, WriteRecords]]) -> tuple[int, list[DeadLetter]]:
        """The rows written, and the records that cannot be.

        A record that lacks a row it refers to is one of these only with `final`; without, the database's error is raised.
        """
        rows = 0
        for place, entries in tables:
            rows += await self._halve(place, entries, self.apply)
        rows += await self._try_again(dict(tables))
        for failure in self._failures:
            if decide(failure.error) is Decision.REFERENCE and not self.final:
                raise failure.error
        return rows, [DeadLetter.of(each.entries[0].source, each.error) for each in self._failures]

    async def _halve(self, place: Place, entries: WriteRecords, apply: Apply) -> int:
        try:
            return await self._within_savepoint(place, entries, apply)
        except ChangeNeededError:
            raise
        except Exception as error:  # every failure of one record looks alike here; the rest is raised again
            if decide(error) not in {Decision.RECORD, Decision.REFERENCE}:
                raise
            if len(entries) == 1:
                self._failures.append(_Failure(place, entries, error))
                return 0
            if isinstance(error, CardinalityViolationError):
                apply = self.apply_singly  # the table itself makes two keys one
        middle = len(entries) // 2
        written = await self._halve(place, entries[:middle], apply)
        return written + await self._halve(place, entries[middle:], apply)

    async def _within_savepoint(self, place: Place, entries: WriteRecords, apply: Apply) -> int:
        async with self.connection.transaction():
            written = await apply(place, entries)
            await self.connection.execute(SQL["check_constraints"])
        await self.connection.execute(SQL["defer_constraints"])
        return written

    async def _try_again(self, tables: dict[Place, WriteRecords]) -> int:
        """Write the records that only lacked others of the batch, as long as one of them can be."""
        written = 0
        waiting = [each for each in self._failures if _is_related(each.error)]
        for failure in waiting:
            failure.entries = self._with_followers(failure, tables[failure.place])
        progress = bool(waiting)
        while progress:
            progress = False
            for failure in list(waiting):
                try:
                    await self._within_savepoint(failure.place, failure.entries, self.apply)
                except ChangeNeededError:
                    raise
                except Exception as error:  # as in `_halve`
                    if decide(error) not in {Decision.RECORD, Decision.REFERENCE}:
                        raise
                else:
                    written += 1
                    waiting.remove(failure)
                    self._failures.remove(failure)
                    progress = True
        return written

    def _with_followers(self, failure: _Failure, entries: WriteRecords) -> WriteRecords:
        keys = self.keys_of(failure.place, entries)
        if keys is None:
            return failure.entries
        failed = failure.entries.records[0]
        first = next(place for place, record in enumerate(entries.records) if record is failed)
        followers = range(first, len(entries))
        return entries.at([place for place in followers if keys[place] == keys[first]])


def _is_related(error: Exception) -> bool:
    return isinstance(error, PostgresError) and getattr(error, "sqlstate", "") in RELATED
