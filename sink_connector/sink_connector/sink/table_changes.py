"""Changes of tables that a batch needs, and whose failure it is when a table cannot be had or written to.

A table that the configuration names is the task's. One that a record names (`record.table.*`) is the record's: whatever is
wrong with it, no other record may suffer from it.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from asyncpg import Connection, PostgresError, PostgresWarning

from sink_connector.config.connector import TableConfig
from sink_connector.errors import BadRecordError, FatalError
from sink_connector.sink.ddl import ChangeNeededError, change
from sink_connector.sink.plan_cache import PlanCache
from sink_connector.sink.sqlstate import Decision, decide

log = structlog.get_logger()

# What the server says of a table that is not written to, whatever the row: no privilege, a view that takes no rows.
OF_A_TABLE = frozenset({"42501", "42809", "55000"})
# What it says of a record's schema: a default that its type does not take, more columns than a table may have, one name for two
# columns or a name of the system's own (ctid, xmin).
OF_A_SCHEMA = ("22", "54", "42701")


class TableChanges:
    """Those made for one batch after another."""

    def __init__(self, config: TableConfig, plans: PlanCache, *, connector: str) -> None:
        self._config = config
        self._plans = plans
        self._connector = connector
        self._made: set[str] = set()

    def begin(self) -> None:
        """A batch begins: what could not be changed for the one before may be possible by now."""
        self._made.clear()
        self._plans.accept_changes()

    async def make(self, connection: Connection, needed: ChangeNeededError) -> bool:
        """Make it, or have the records that need it be bad; whether the tables are to be looked at again.

        Raises what the driver raises, and `FatalError` for a change that was made and is needed all the same.
        """
        if needed.statement in self._made:
            error: Exception = FatalError(f"{needed.statement} changes nothing: something else has the name")
        else:
            try:
                await change(connection, needed.statement)
            except PostgresError as failure:
                error = failure
            else:
                log.info("table.changed", connector=self._connector, statement=needed.statement)
                self._made.add(needed.statement)
                return not needed.is_new
        is_records = self._config.is_named_by_record or getattr(error, "sqlstate", "").startswith(OF_A_SCHEMA)
        if not is_records or decide(error) in {Decision.RETRY, Decision.TIMEOUT}:
            raise error
        self._plans.refuse_change(needed.statement, str(error))
        return False


@contextmanager
def blaming_records(config: TableConfig, *, is_fresh: bool = False) -> Iterator[None]:
    """Where a record has named a table that rows cannot be written to, it is the record's failure.

    `is_fresh` says that what is known of the tables cannot be out of date. Raises `BadRecordError` then.
    """
    try:
        yield
    except PostgresError as error:
        if config.is_named_by_record and (
            getattr(error, "sqlstate", "") in OF_A_TABLE or (is_fresh and decide(error) is Decision.STALE)
        ):
            raise BadRecordError(str(error)) from error
        raise
    except PostgresWarning as error:
        # A RAISE that names the SQLSTATE of a warning; the driver's class for it cannot be passed through here.
        raise BadRecordError(str(error)) from error
