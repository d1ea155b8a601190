"""What to do about a failure of the database, by its SQLSTATE and never by its text."""

from enum import Enum

import asyncpg

from sink_connector.errors import BadRecordError, FatalError, is_want_of_memory
from sink_connector.sink.ddl import ChangeNeededError


class Decision(Enum):
    """What a failure is about, and so what is to be done."""

    RETRY = "retry"  # an outage or a clash: the same again later will do
    TIMEOUT = "timeout"  # the statement took too long, or memory is short: less at a time may do
    RECORD = "record"  # one of the records cannot be written
    REFERENCE = "reference"  # a row that another refers to is missing, or still referred to: it may come right by itself
    STALE = "stale"  # what is known of a table, or the server's plan, is out of date
    FATAL = "fatal"  # only a person can mend it


# Prefixes, the longest that matches counts. What is not named is a record's own failure: an extension's or a trigger's
# SQLSTATE says something about a row. Source: PostgreSQL's appendix A, "Error Codes".
DECISIONS: dict[str, Decision] = {
    "": Decision.RECORD,
    "08": Decision.RETRY,  # connection exception
    "0A": Decision.STALE,  # cached plan must not change result type; else a feature the table does not have
    "0P": Decision.FATAL,  # invalid role
    "25": Decision.RETRY,  # read only transaction (fail-over), idle in transaction time-out
    "26": Decision.FATAL,  # prepared statement does not exist: something between us and the server took it away
    "28": Decision.FATAL,  # invalid authorization
    "3B": Decision.FATAL,  # savepoint does not exist, as above
    "3D": Decision.FATAL,  # the database does not exist
    "3F": Decision.STALE,  # the schema does not exist
    "40": Decision.RETRY,  # serialization failure, deadlock
    "40002": Decision.RECORD,  # integrity constraint violation that rolls back
    "23001": Decision.REFERENCE,  # foreign key violation where it says ON DELETE RESTRICT, from PostgreSQL 18 on
    "23503": Decision.REFERENCE,  # foreign key violation
    "42501": Decision.RECORD,  # a policy refuses the row; `NOT_PERMITTED` is another thing
    "42809": Decision.FATAL,  # a materialized view, which takes no rows
    "42601": Decision.STALE,  # a tracked table has got another column
    "42703": Decision.STALE,  # undefined column
    "42P01": Decision.STALE,  # undefined table
    "42P10": Decision.STALE,  # no unique constraint matches ON CONFLICT
    "53": Decision.RETRY,  # disk full, too many connections
    "53200": Decision.TIMEOUT,  # out of memory, or of room for locks
    "53400": Decision.TIMEOUT,  # temp_file_limit
    "55000": Decision.FATAL,  # the table is not in a state to be written, such as a view that takes no rows
    "55006": Decision.RETRY,  # object in use
    "55P03": Decision.RETRY,  # lock not available
    "57": Decision.RETRY,  # shutdown, crash, cannot connect now
    "57014": Decision.TIMEOUT,  # query cancelled: statement_timeout, or somebody's hand
    "58": Decision.RETRY,  # system error, I/O error
    "F0": Decision.FATAL,  # configuration file error
    "HV001": Decision.RETRY,  # a foreign data wrapper is out of memory
    "HV00N": Decision.RETRY,  # a foreign data wrapper cannot connect
    "XX001": Decision.FATAL,  # data corrupted
    "XX002": Decision.FATAL,  # index corrupted
}

# Where in the server an error was raised (its `R` field): the same SQLSTATE says two things.
RAISED_BY_A_FUNCTION = "exec_stmt_raise"  # a RAISE of PL/pgSQL, which may name any SQLSTATE
# Prefixes of what a statement of ours says of its table: a statement within a function says it of something of the function's.
OF_A_STATEMENT = ("0A", "2", "3", "42", "55000")
# What does not go with the tables there are, a text that its column does not take or would keep less of, and a column that takes
# no null by now.
OF_NAMES_AND_TYPES = ("42", "22007", "22P02", "23502", "23514")
OF_THE_TABLE = frozenset({Decision.STALE, Decision.FATAL})
# The role lacks a privilege, whatever the row.
NOT_PERMITTED = frozenset({"aclcheck_error", "nextval_internal"})


# What is no answer of the server, in this order.
KINDS: tuple[tuple[tuple[type[BaseException], ...], Decision], ...] = (
    ((BadRecordError,), Decision.RECORD),
    ((FatalError,), Decision.FATAL),
    ((ChangeNeededError, asyncpg.OutdatedSchemaCacheError), Decision.STALE),
    ((ValueError, TypeError, ArithmeticError), Decision.RECORD),  # the driver could not encode a value
    ((TimeoutError,), Decision.TIMEOUT),
    (
        (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError),
        Decision.RETRY,
    ),  # the connection is gone
)


def decide(error: BaseException) -> Decision:
    """The decision about an exception raised while writing.

    Whatever is neither the connection's, the table's nor the configuration's is a record's: of any class, at any stage.
    """
    # The driver takes its own want of memory for a value that cannot be sent, and an end of the transaction for that of the connection.
    if is_want_of_memory(error) or _is_out_of_time(error):
        return Decision.TIMEOUT
    if isinstance(error, asyncpg.PostgresError):
        return _by_sqlstate(error)
    return next((decision for kinds, decision in KINDS if isinstance(error, kinds)), Decision.RECORD)


def may_be_outdated(error: BaseException) -> bool:
    """Whether a record may have been refused for what a column was before it got another type."""
    state = getattr(error, "sqlstate", None) or ""
    return isinstance(error, BadRecordError) or state.startswith(OF_NAMES_AND_TYPES)


def is_short_of_resources(error: BaseException) -> bool:
    """Whether the server lacks something, which is no record's fault."""
    return (getattr(error, "sqlstate", None) or "").startswith("53")


def _is_out_of_time(error: BaseException | None) -> bool:
    """Whether the server has ended the transaction, and with it the connection, for taking too long (`transaction_timeout`)."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        if isinstance(error, asyncpg.TransactionTimeoutError):
            return True
        seen.add(id(error))
        error = error.__cause__ or error.__context__
    return False


def _by_sqlstate(error: asyncpg.PostgresError) -> Decision:
    state = getattr(error, "sqlstate", None) or ""
    routine = getattr(error, "server_source_function", None)
    if routine == RAISED_BY_A_FUNCTION and not state.startswith("40"):
        return Decision.RECORD
    if state == "42501" and routine in NOT_PERMITTED:
        return Decision.FATAL
    decision = DECISIONS[max((prefix for prefix in DECISIONS if state.startswith(prefix)), key=len)]
    if decision in OF_THE_TABLE and state.startswith(OF_A_STATEMENT) and getattr(error, "context", None):
        return Decision.RECORD  # raised within a function: a trigger's, say
    return decision
