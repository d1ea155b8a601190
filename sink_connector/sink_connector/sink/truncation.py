"""Emptying tables, as change events ask for it: within the transaction of the batch, before what came later is written."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from asyncpg import Connection

from sink_connector.data.semantic_types import TRUNCATION
from sink_connector.data.write_record import WriteRecord, WriteRecords
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.errors import BadRecordError
from sink_connector.sink.batch import Batch
from sink_connector.sink.ddl import VIEWS
from sink_connector.sink.plan_cache import PlanCache
from sink_connector.sink.projections import tracked
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.table_metadata import TableName


def is_truncation(entry: WriteRecord) -> bool:
    """Whether an entry is no row, but asks for its table to be emptied."""
    return entry.shape is not None and entry.shape.schema == TRUNCATION


@dataclass(frozen=True, slots=True)
class Truncations:
    """Empties the tables of one task. `projections` are those that follow a table, by its name: such a one is not emptied."""

    plans: PlanCache
    projections: Mapping[str, str]

    async def apply(
        self, connection: Connection, batch: Batch, *, isolate: bool
    ) -> tuple[Batch, list[DeadLetter]]:
        """Empty the tables that the batch asks for; what is left of it to be written, and the records refused.

        What a table was sent before its last truncation is gone with it. Raises what the database says, which with `isolate`
        makes a dead letter where it is about that one truncation.
        """
        asked = {place: numbers for place, found in batch.entries.items() if (numbers := _numbers(found))}
        if not asked:
            return batch, []
        entries, dead = dict(batch.entries), []
        for together in [[place] for place in asked] if isolate else [list(asked)]:
            try:
                async with connection.transaction():
                    await self._empty(connection, [name for _, name in together])
            except Exception as error:
                if not isolate or decide(error) not in {Decision.RECORD, Decision.STALE}:
                    raise
                [place] = together
                found, numbers = entries[place], asked[place]
                dead += [DeadLetter.of(found[number].source, error) for number in numbers]
                entries[place] = found.at([n for n in range(len(found)) if n not in set(numbers)])
            else:
                for place in together:
                    entries[place] = entries[place][asked[place][-1] + 1 :]
        return replace(batch, entries={place: found for place, found in entries.items() if found}), dead

    async def _empty(self, connection: Connection, names: Sequence[TableName]) -> None:
        """By one statement: tables that refer to each other can only be emptied together. One that is missing is empty."""
        tables = []
        for name in dict.fromkeys(names):
            table = await self.plans.table(connection, name)
            if table is None:
                continue
            if table.kind in VIEWS:
                raise BadRecordError(f"{name} is a view, which cannot be emptied by a TRUNCATE")
            if tracked(table.name, self.projections) is not None:
                raise BadRecordError(f"table {name} has a projection, which cannot follow a TRUNCATE")
            tables.append(table.name.sql)
        if tables:
            await connection.execute(f"TRUNCATE {', '.join(tables)}")


def _numbers(found: WriteRecords) -> list[int]:
    """The places of truncations."""
    return [
        number
        for number, shape in enumerate(found.shapes)
        if shape is not None and shape.schema == TRUNCATION
    ]
