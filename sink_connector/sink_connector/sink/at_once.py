"""A small batch as one statement: its offsets and its rows, where a transaction of several would take five round trips.

What such a statement is not content with, it leaves undone and says nothing of: the batch then takes the long way, which
finds out what there is to find out (docs/adr/0029).
"""

from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Any, NamedTuple

from asyncpg import Connection
from asyncpg.exceptions import OutdatedSchemaCacheError

from sink_connector.data.write_record import WriteRecords
from sink_connector.sink.batch import Batch
from sink_connector.sink.grouping import Grouping
from sink_connector.sink.isolation import Place
from sink_connector.sink.offsets import Move
from sink_connector.sink.pauses import Pauses
from sink_connector.sink.plan_cache import PlanCache
from sink_connector.sink.sparse_rows import are_sparse
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.staging import Staging
from sink_connector.sink.write_plan import WritePlan

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
"""Rows that a statement has places for; each is one of its own, which the server keeps. Places without a row are passed over."""
MOST_VALUES = 1_500  # in a statement
OF_ITS_TIME = {Decision.RETRY, Decision.TIMEOUT}


class _Statement(NamedTuple):
    """A statement with its parameters behind those of the move, and how many rows it writes."""

    sql: str
    parameters: tuple[Any, ...]
    rows: int


@dataclass(slots=True)
class AtOnce:
    """Writes the small batches of one task."""

    plans: PlanCache
    grouping: Grouping
    staging: Staging
    has_session: bool
    """Whether what a connection makes for itself is there the next time."""
    _pauses: Pauses = field(default_factory=Pauses)

    async def written(self, connection: Connection, batch: Batch, move: Move) -> int | None:
        """How many rows are committed, with the offsets; None when nothing is, and the batch is to be written the long way.

        Raises what the driver raises of an outage or a clash, and `OutdatedSchemaCacheError`.
        """
        if len(batch.entries) != 1 or batch.bad:
            return None
        [(place, entries)] = batch.entries.items()
        if len(entries) > SIZES[-1] or are_sparse(entries) or not self._pauses.is_over(place[1]):
            return None
        try:
            made = await self._statement(connection, place, entries)
            if made is None:
                return None
            await connection.fetchrow(made.sql, *move.parameters, *made.parameters)
        except OutdatedSchemaCacheError:  # what is known of tables is to be forgotten, not only here
            raise
        except Exception as error:
            decision = decide(error)
            # All waits for locks were within the time of one statement: the long way has as much for each of its own.
            if decision is not Decision.RETRY:
                self._pauses.failed(place[1])
            if decision in OF_ITS_TIME:
                raise
            return None
        self._pauses.worked(place[1])
        return made.rows

    async def _statement(
        self, connection: Connection, place: Place, entries: WriteRecords
    ) -> _Statement | None:
        """What writes the entries; None where they are no one group of rows that can be written so."""
        table = await self.plans.table(connection, place[1])
        if table is None or not table.is_plain:
            return None
        groups = self.grouping.groups_at_sight(table, place, entries)
        if len(groups) != 1:
            return None
        [group] = groups
        plan = await self.plans.plan(connection, place[1], group)
        if plan is None or plan.at_once is None or not self._takes(plan, len(group.entries)):
            return None
        if function := plan.function:
            await self.staging.remove(connection, function.tracking.new, function.tracking.drop)
            if not self.staging.stands(function.name):
                await self.staging.stand(connection, function.made, function.create)
        rows, size = plan.rows(group.layout.columns(group.entries)), _size(len(group.entries))
        without = repeat(None, (size - len(rows)) * len(plan.targets))
        values = (table.id, table.state, len(rows), *chain.from_iterable(rows), *without)
        return _Statement(plan.at_once(size), values, len(rows))

    def _takes(self, plan: WritePlan, count: int) -> bool:
        """Whether so many rows can be written so."""
        return (
            (plan.function is None or self.has_session)
            and _size(count) * len(plan.targets) <= MOST_VALUES
            # The statement knows one state: the table's.
            and not any(each.column.relations for each in plan.targets)
            # Rows of many keys are locked in the order of the keys, which only an INSERT does by itself.
            and (count == 1 or not plan.staged.lock)
        )


def _size(count: int) -> int:
    return next(each for each in SIZES if each >= count)
