"""Failures lead to decisions by their SQLSTATE, never by their text."""

from typing import Any

import asyncpg
import pytest

from sink_connector.errors import BadRecordError, FatalError
from sink_connector.sink.ddl import ChangeNeededError
from sink_connector.sink.sqlstate import Decision, decide


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (asyncpg.ConnectionDoesNotExistError(""), Decision.RETRY),
        (asyncpg.DeadlockDetectedError(""), Decision.RETRY),
        (asyncpg.DiskFullError(""), Decision.RETRY),
        (asyncpg.TooManyConnectionsError(""), Decision.RETRY),
        (asyncpg.OutOfMemoryError(""), Decision.TIMEOUT),
        (asyncpg.ConfigurationLimitExceededError(""), Decision.TIMEOUT),
        (asyncpg.AdminShutdownError(""), Decision.RETRY),
        (asyncpg.CannotConnectNowError(""), Decision.RETRY),
        (asyncpg.ReadOnlySQLTransactionError(""), Decision.RETRY),
        (asyncpg.IdleInTransactionSessionTimeoutError(""), Decision.RETRY),
        (asyncpg.TransactionTimeoutError(""), Decision.TIMEOUT),
        (ConnectionRefusedError(), Decision.RETRY),
        (TimeoutError(), Decision.TIMEOUT),
        (asyncpg.InterfaceError("connection is closed"), Decision.RETRY),
        (asyncpg.UniqueViolationError(""), Decision.RECORD),
        (asyncpg.NumericValueOutOfRangeError(""), Decision.RECORD),
        (asyncpg.DatatypeMismatchError(""), Decision.RECORD),
        (asyncpg.StatementTooComplexError(""), Decision.RECORD),
        (BadRecordError(""), Decision.RECORD),
        (OverflowError(), Decision.RECORD),
        (asyncpg.UndefinedTableError(""), Decision.STALE),
        (asyncpg.UndefinedColumnError(""), Decision.STALE),
        (asyncpg.InvalidCachedStatementError(""), Decision.STALE),
        (ChangeNeededError("ALTER TABLE t ADD COLUMN c text"), Decision.STALE),
        (FatalError(""), Decision.FATAL),
        (asyncpg.DataCorruptedError(""), Decision.FATAL),
        (asyncpg.WrongObjectTypeError(""), Decision.FATAL),
        (KeyError(), Decision.RECORD),
        (RecursionError(), Decision.RECORD),
        (MemoryError(), Decision.TIMEOUT),
    ],
)
def test_a_failure_leads_to_its_decision(error: Exception, decision: Decision) -> None:
    assert decide(error) is decision


@pytest.mark.parametrize("error", [asyncpg.DataError("invalid input"), BadRecordError("MemoryError: ")])
def test_a_want_of_memory_is_told_by_what_an_error_was_raised_from(error: Exception) -> None:
    """The driver takes one for a value that it cannot send, a converter for a value that it cannot read."""
    assert decide(error) is Decision.RECORD
    error.__cause__ = error
    assert decide(error) is Decision.RECORD
    error.__cause__ = MemoryError()
    assert decide(error) is Decision.TIMEOUT


def test_an_end_of_the_transaction_is_told_by_what_closed_the_connection() -> None:
    """The driver says that the connection is closed, because it was lost, because the server had said so."""
    error = asyncpg.InterfaceError("the underlying connection is closed")
    assert decide(error) is Decision.RETRY
    error.__context__ = asyncpg.ConnectionDoesNotExistError(
        "connection was closed in the middle of operation"
    )
    assert decide(error) is Decision.RETRY
    error.__context__.__cause__ = asyncpg.TransactionTimeoutError("terminating connection")
    assert decide(error) is Decision.TIMEOUT


def raised(state: str, routine: str) -> asyncpg.PostgresError:
    """What the server answers with this SQLSTATE, raised in this routine of its."""
    fields: dict[str, Any] = {"S": "ERROR", "C": state, "M": "a message", "R": routine}
    found: asyncpg.PostgresError = asyncpg.PostgresError.new(fields)
    return found


@pytest.mark.parametrize(
    ("state", "routine", "decision"),
    [
        ("42501", "aclcheck_error", Decision.FATAL),
        ("42501", "nextval_internal", Decision.FATAL),
        ("42501", "ExecWithCheckOptions", Decision.RECORD),
        ("42501", "exec_stmt_raise", Decision.RECORD),
        ("44000", "ExecWithCheckOptions", Decision.RECORD),
        ("21000", "ExecOnConflictUpdate", Decision.RECORD),
        ("P0001", "exec_stmt_raise", Decision.RECORD),
        ("P0002", "exec_stmt_execsql", Decision.RECORD),
        ("P0004", "exec_stmt_assert", Decision.RECORD),
        ("AB123", "exec_stmt_raise", Decision.RECORD),
        ("AB123", "some_extension", Decision.RECORD),
        ("22012", "int4div", Decision.RECORD),
        ("27000", "ExecUpdate", Decision.RECORD),
        ("38000", "some_extension", Decision.RECORD),
        ("XX000", "some_extension", Decision.RECORD),
        ("54000", "some_extension", Decision.RECORD),
        ("42P01", "exec_stmt_raise", Decision.RECORD),
        ("53100", "exec_stmt_raise", Decision.RECORD),
        ("40001", "exec_stmt_raise", Decision.RETRY),
        ("23503", "ri_ReportViolation", Decision.REFERENCE),
        ("23001", "ri_ReportViolation", Decision.REFERENCE),
        ("23001", "exec_stmt_raise", Decision.RECORD),
        ("00000", "exec_stmt_raise", Decision.RECORD),
        ("01000", "exec_stmt_raise", Decision.RECORD),
        ("02000", "exec_stmt_raise", Decision.RECORD),
        ("57014", "ProcessInterrupts", Decision.TIMEOUT),
        ("57P03", "ProcessStartupPacket", Decision.RETRY),
        ("55P03", "ProcSleep", Decision.RETRY),
        ("25006", "PreventCommandIfReadOnly", Decision.RETRY),
        ("28P01", "auth_failed", Decision.FATAL),
        ("3F000", "LookupExplicitNamespace", Decision.STALE),
    ],
)
def test_an_answer_of_the_server_leads_to_its_decision(state: str, routine: str, decision: Decision) -> None:
    assert decide(raised(state, routine)) is decision


@pytest.mark.parametrize("state", ["42P01", "42703", "42601"])
def test_what_a_function_misses_says_nothing_of_the_table(state: str) -> None:
    fields = {
        "S": "ERROR",
        "C": state,
        "M": "a message",
        "R": "parserOpenTable",
        "W": "PL/pgSQL function f()",
    }
    assert decide(asyncpg.PostgresError.new(fields)) is Decision.RECORD


def test_every_error_the_driver_knows_is_decided() -> None:
    for kind in vars(asyncpg.exceptions).values():
        if isinstance(kind, type) and issubclass(kind, asyncpg.PostgresError):
            assert decide(kind("")) in Decision
