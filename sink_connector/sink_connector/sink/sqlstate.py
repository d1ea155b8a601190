"""What to do about a failure of the database, by its SQLSTATE and never by its text."""

from enum import Enum

import asyncpg

from sink_connector.errors import BadRecordError


class Decision(Enum):
    RETRY = "retry"  # an outage or a clash: the same again later will do
    RECORD = "record"  # one of the records cannot be written
    STALE = (
        "stale"  # what we know of a table, or the server's plan, is out of date: look again, then once more
    )
    FATAL = "fatal"  # nobody but a person can mend it


# Prefixes, the longest that matches counts. Sources: PostgreSQL's appendix A, "Error Codes".
DECISIONS: dict[str, Decision] = {
    "08": Decision.RETRY,  # connection exception
    "40": Decision.RETRY,  # serialization failure, deadlock
    "53": Decision.RETRY,  # disk full, out of memory, too many connections
    "55P03": Decision.RETRY,  # lock not available
    "57": Decision.RETRY,  # shutdown, crash, cannot connect now, query cancelled (statement_timeout)
    "58": Decision.RETRY,  # system error, I/O error
    "25": Decision.RETRY,  # read only transaction (fail-over), idle in transaction time-out
    "0A000": Decision.STALE,  # cached plan must not change result type
    "42P01": Decision.STALE,  # undefined table
    "42703": Decision.STALE,  # undefined column
    "42601": Decision.STALE,  # a tracked table has got another column
    "42P10": Decision.STALE,  # no unique constraint matches ON CONFLICT
    "42501": Decision.FATAL,  # insufficient privilege
    "22": Decision.RECORD,  # data exception
    "23": Decision.RECORD,  # constraint violation
    "42": Decision.RECORD,  # cannot cast, wrong type
    "54": Decision.RECORD,  # a value over a limit: index row size, nesting depth
    "P0001": Decision.RECORD,  # raised by a trigger of the table
}


def decide(error: BaseException) -> Decision:
    """The decision about an exception raised while writing. What is not known is fatal: better to stop than to lose."""
    if isinstance(error, BadRecordError):
        return Decision.RECORD
    if isinstance(error, asyncpg.PostgresError):
        state = getattr(error, "sqlstate", None) or ""
        matching = [prefix for prefix in DECISIONS if state.startswith(prefix)]
        return DECISIONS[max(matching, key=len)] if matching else Decision.FATAL
    if isinstance(error, asyncpg.OutdatedSchemaCacheError):
        return Decision.STALE
    if isinstance(error, ValueError | TypeError | ArithmeticError):
        return (
            Decision.RECORD
        )  # the driver could not encode a value: DataError for a parameter, these within a COPY
    if isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError | OSError):
        return Decision.RETRY  # the connection is gone or was closed under us
    return Decision.FATAL
