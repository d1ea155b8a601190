"""A small batch as one statement: its offsets and its rows, where a transaction of several would take five round trips.

What such a statement is not content with, it leaves undone and says nothing of: the batch then takes the long way, which
finds out what there is to find out (docs/adr/0029).
"""

from dataclasses import dataclass, field
from itertools import chain, repeat

from asyncpg import Connection
from asyncpg.exceptions import OutdatedSchemaCacheError

from sink_connector.data.write_record import WriteRecords
from sink_connector.sink.batch import Batch
from sink_connector.sink.grouping import Grouping
from sink_connector.sink.isolation import Place
from sink_connector.sink.offsets import Move
from sink_connector.sink.pauses import Pauses
from sink_connector.sink.plan_cache import PlanCache
from sink_connector.sink.reduction import Group
from sink_connector.sink.sparse_rows import are_sparse
from sink_connector.sink.sqlstate import Decision, decide
from sink_connector.sink.staging import Staging
from sink_connector.sink.table_metadata import Table
from sink_connector.sink.write_plan import WritePlan

SIZES = (1, 2, 4, 8, 16, 32, 64, 128)
"""Rows that a statement has places for; each is one of its own, which the server keeps. Places without a row are passed over."""
MOST_VALUES = 1_500  # in a statement
OF_ITS_TIME = {Decision.RETRY, Decision.TIMEOUT}


@dataclass(slots=True)
class AtOnce:
    """Writes the small batches of one task."""

    plans: PlanCache
    grouping: Grouping
    staging: Staging
    has_session: bool = True
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
            found = await self._plan(connection, place, entries)
            if found is None:
                return None
            table, plan, group, size = found
            if plan.function is not None and not self.staging.stands(plan.function.name):
                names = (plan.function.name, plan.stage.name, *([plan.tracking.new] if plan.tracking else ()))
                await self.staging.stand(connection, names, plan.function.create)
            rows = plan.rows(group.layout.columns(group.entries))
            values = chain.from_iterable(rows)
            without = repeat(None, (size - len(rows)) * len(plan.targets))
            await connection.fetchrow(
                plan.at_once(size), *move.parameters, table.id, table.state, len(rows), *values, *without
            )
        except OutdatedSchemaCacheError:  # what is known of tables is to be forgotten, not only here
            raise
        except Exception as error:
            decision = decide(error)
            # What the long way has a time for each, the lock of a row and that of a projection's, was all within one here.
            if decision is not Decision.RETRY:
                self._pauses.failed(place[1])
            if decision in OF_ITS_TIME:
                raise
            return None
        self._pauses.worked(place[1])
        return len(rows)

    async def _plan(
        self, connection: Connection, place: Place, entries: WriteRecords
    ) -> tuple[Table, WritePlan, Group, int] | None:
        """The table, the plan and the one group of entries that can be written so, and the size of the statement."""
        table = await self.plans.table(connection, place[1])
        if table is None or not table.is_plain:
            return None
        groups = self.grouping.groups_at_sight(table, place, entries)
        if len(groups) != 1:
            return None
        [group] = groups
        plan = await self.plans.plan(connection, place[1], group)
        if plan is None or not plan.is_at_once or (plan.function is not None and not self.has_session):
            return None
        size = next(each for each in SIZES if each >= len(group.entries))
        if size * len(plan.targets) > MOST_VALUES:
            return None
        if any(each.column.relations for each in plan.targets):  # the statement knows one state: the table's
            return None
        # Rows of many keys are locked in the order of the keys, which only an INSERT does by itself.
        return (table, plan, group, size) if len(group.entries) == 1 or not plan.staged.lock else None
