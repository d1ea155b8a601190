"""Writing what can be written of a batch that holds records which cannot: they are found by halving, within savepoints."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from asyncpg import CardinalityViolationError, Connection, PostgresError

from sink_connector.data import sql_files
from sink_connector.data.write_record import WriteRecords
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.table_metadata import TableName

SQL = sql_files.load("table_writer.sql", package=__package__)
# What may come right when the rest of the batch is written: a missing parent, a key that another row still has.
TAKEN = "23505"  # a key or another unique value
RELATED = {"23001", "23503", TAKEN, "23P01"}
OF_RECORDS = {Decision.RECORD, Decision.REFERENCE}
MOST_ROUNDS = 16  # of finding those that can be written at once

Place = tuple[str, TableName]
Apply = Callable[[Place, WriteRecords], Awaitable[int]]
KeysOf = Callable[[Place, WriteRecords], Awaitable[Sequence[Any] | None]]


@dataclass(slots=True, eq=False)
class _Failure:
    """A record that was refused alone, the first of `numbers`; the others are those after it that have its key.

    They must be written after it.
    """

    place: Place
    numbers: Sequence[int]
    error: Exception


@dataclass(slots=True, kw_only=True)
class Isolation:
    """One attempt at one batch, within its transaction.

    `apply` writes entries of one table; `apply_singly` the same one by one in their order; `keys_of` gives keys of which two are
    equal if the database finds them equal, None for a table without.
    """

    connection: Connection
    apply: Apply
    apply_singly: Apply
    keys_of: KeysOf
    final: bool
    _tables: dict[Place, WriteRecords] = field(default_factory=dict)
    _failures: list[_Failure] = field(default_factory=list)

    async def write(self, tables: Sequence[tuple[Place, WriteRecords]]) -> tuple[int, list[DeadLetter]]:
        """The rows written, and the records that cannot be.

        A record that lacks a row it refers to is one of these only with `final`; without, the database's error is raised.
        """
        # Also those that are INITIALLY IMMEDIATE: rows that are written one after another may be in each other's way.
        await self.connection.execute(SQL["defer_constraints"])
        self._tables = dict(tables)
        rows = 0
        for place, entries in tables:
            rows += await self._halve(place, range(len(entries)), self.apply)
        rows += await self._try_again()
        for failure in self._failures:
            if decide(failure.error) is Decision.REFERENCE and not self.final:
                raise failure.error
        return rows, [
            DeadLetter.of(self._tables[each.place][each.numbers[0]].source, each.error)
            for each in self._failures
        ]

    async def _halve(self, place: Place, numbers: range, apply: Apply) -> int:
        try:
            return await self._within_savepoint({place: numbers}, apply)
        except Exception as error:  # every failure of one record looks alike here; the rest is raised again
            if decide(error) not in OF_RECORDS:
                raise
            if len(numbers) == 1:
                self._failures.append(_Failure(place, numbers, error))
                return 0
            if isinstance(error, CardinalityViolationError):
                apply = self.apply_singly  # the table itself makes two keys one
        middle = len(numbers) // 2
        written = await self._halve(place, numbers[:middle], apply)
        return written + await self._halve(place, numbers[middle:], apply)

    async def _within_savepoint(self, parts: Mapping[Place, Sequence[int]], apply: Apply) -> int:
        written = 0
        async with self.connection.transaction():
            for place, numbers in parts.items():
                written += await apply(place, self._tables[place].at(numbers))
            await self.connection.execute(SQL["check_constraints"])
        await self.connection.execute(SQL["defer_constraints"])
        return written

    async def _try_again(self) -> int:
        """Write the records that only lacked others of the batch: those that lack each other, then as long as one can be."""
        waiting = [each for each in self._failures if _is_related(each.error)]
        await self._find_followers(waiting)
        waiting = [each for each in waiting if not self._made_room_later(each)]
        many = len(waiting)
        for failure in await self._write_at_once(waiting):
            waiting.remove(failure)
        progress = bool(waiting)
        while progress:
            progress = False
            for failure in list(waiting):
                if await self._attempt([failure]) is None:
                    waiting.remove(failure)
                    progress = True
        return many - len(waiting)

    async def _write_at_once(self, waiting: Sequence[_Failure]) -> Sequence[_Failure]:
        """Of records that may lack each other, write as many as can be by one attempt; those written.

        What the database says of all of them is what it said of one that cannot be written in any company.
        """
        together, left = list(waiting), None
        for _ in range(MOST_ROUNDS):
            if len(together) <= 1 or together == left:
                break
            error = await self._attempt(together)
            if error is None:
                return together
            left = together
            together = [each for each in together if not _is_same(each.error, error)]
        return ()

    async def _attempt(self, failures: Sequence[_Failure]) -> Exception | None:
        """Write records that were refused, with their followers; what is wrong with one of them, None once they are written."""
        numbers = {
            place: sorted({number for each in failures if each.place == place for number in each.numbers})
            for place in self._tables
        }
        try:
            await self._within_savepoint(
                {place: found for place, found in numbers.items() if found}, self.apply
            )
        except Exception as error:  # as in `_halve`
            if decide(error) not in OF_RECORDS:
                raise
            return error
        for each in failures:
            self._failures.remove(each)
        return None

    def _made_room_later(self, failure: _Failure) -> bool:
        """Whether a record was in the way of a row that another of its key has deleted since: it was refused in its time."""
        values = self._tables[failure.place].values
        is_taken = getattr(failure.error, "sqlstate", "") == TAKEN
        return is_taken and any(values[number] is None for number in failure.numbers[1:])

    async def _find_followers(self, waiting: Sequence[_Failure]) -> None:
        refused = {(each.place, each.numbers[0]) for each in set(self._failures).difference(waiting)}
        for place, entries in self._tables.items():
            mine = {each.numbers[0]: each for each in waiting if each.place == place}
            written = [number for number in range(len(entries)) if (place, number) not in refused]
            keys = await self.keys_of(place, entries.at(written)) if mine else None
            if keys is None:
                continue
            of_key: dict[Any, list[int]] = {}
            for number, key in zip(reversed(written), reversed(keys), strict=True):
                of_key.setdefault(key, []).append(number)
                if number in mine:
                    mine[number].numbers = of_key[key][::-1]


def _is_related(error: Exception) -> bool:
    return isinstance(error, PostgresError) and getattr(error, "sqlstate", "") in RELATED


def _is_same(one: Exception, other: Exception) -> bool:
    """Whether two errors are about the same values of the same constraint."""
    return all(
        getattr(one, name, None) == getattr(other, name, None) is not None
        for name in ("sqlstate", "constraint_name", "detail")
    )
