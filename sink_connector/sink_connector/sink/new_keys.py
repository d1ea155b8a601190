"""Copying rows straight into their table: always where they are only inserted, else as long as their keys are new to it."""

from dataclasses import dataclass, field

from asyncpg import (
    CheckViolationError,
    Connection,
    NotNullViolationError,
    OutdatedSchemaCacheError,
    UniqueViolationError,
    WrongObjectTypeError,
)

from sink_connector.sink.identifiers import quote
from sink_connector.sink.pauses import Pauses
from sink_connector.sink.rows import Rows, copy
from sink_connector.sink.write_plan import WritePlan

MANY = 500  # rows from which a savepoint is worth the hope that all of their keys are new


async def copy_rows(connection: Connection, plan: WritePlan, rows: Rows) -> None:
    """Copy rows straight into the table of a plan. Raises `OutdatedSchemaCacheError` when it is a view or its columns are of other types by now."""
    table = plan.table
    await _check_types(connection, plan)
    try:
        await copy(connection, table.name, rows, schema=table.schema, columns=plan.columns)
    except WrongObjectTypeError as error:
        raise OutdatedSchemaCacheError(str(error)) from error


async def _check_types(connection: Connection, plan: WritePlan) -> None:
    """COPY sends the bytes of values, which a column of another type would take for something else.

    Preparing a statement, without running it, asks for no privilege and keeps the types as they are until the transaction ends.
    """
    columns = ", ".join(map(quote, plan.columns))
    prepared = await connection.prepare(f"SELECT {columns} FROM {plan.table.sql}", name="")  # noqa: S608 - quoted
    if [each.type.oid for each in prepared.get_attributes()] != [
        each.column.type_id for each in plan.targets
    ]:
        await (
            connection.reload_schema_state()
        )  # the driver knows the types of what it copies by a statement, too
        raise OutdatedSchemaCacheError(f"the columns of {plan.table} are of other types than they were")


@dataclass(slots=True)
class NewKeys:
    """Copies rows straight into a table while their keys are new to it, as in a first load: a third less work for the server.

    A batch that holds a known key is written the other way, and so are the ones after it: twice as many as the last time.
    """

    _pauses: Pauses = field(default_factory=Pauses)

    async def copied(self, connection: Connection, plan: WritePlan, rows: Rows) -> bool:
        """Whether the rows are in the table now. Raises what the database says of them but that a key is known."""
        if not self._pauses.is_over(plan.table):
            return False
        if len(rows) < MANY:
            return False
        try:
            async with connection.transaction():
                await copy_rows(connection, plan, rows)
        except (UniqueViolationError, NotNullViolationError, CheckViolationError):
            self._pauses.failed(plan.table)
            return False
        self._pauses.worked(plan.table)
        return True
