"""Failures lead to decisions by their SQLSTATE; names lead to identifiers by one function; pauses grow to a bound."""

import re

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sink_connector.errors import BadRecordError
from sink_connector.runtime.retry import pause_s
from sink_connector.sink.identifiers import check, literal, quote
from sink_connector.sink.sqlstate import Decision, decide


@pytest.mark.parametrize(
    ("error", "decision"),
    [
        (asyncpg.ConnectionDoesNotExistError(""), Decision.RETRY),
        (asyncpg.DeadlockDetectedError(""), Decision.RETRY),
        (asyncpg.DiskFullError(""), Decision.RETRY),
        (asyncpg.TooManyConnectionsError(""), Decision.RETRY),
        (asyncpg.AdminShutdownError(""), Decision.RETRY),
        (asyncpg.CannotConnectNowError(""), Decision.RETRY),
        (asyncpg.ReadOnlySQLTransactionError(""), Decision.RETRY),
        (asyncpg.IdleInTransactionSessionTimeoutError(""), Decision.RETRY),
        (ConnectionRefusedError(), Decision.RETRY),
        (TimeoutError(), Decision.RETRY),
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
        (asyncpg.InsufficientPrivilegeError(""), Decision.FATAL),
        (asyncpg.DataCorruptedError(""), Decision.FATAL),
        (KeyError(), Decision.FATAL),
    ],
)
def test_a_failure_leads_to_its_decision(error: Exception, decision: Decision) -> None:
    assert decide(error) is decision


@given(st.text(min_size=1))
def test_no_name_gets_out_of_its_quotes(name: str) -> None:
    assert re.fullmatch(r'"(?:[^"]|"")*"', quote(name), re.DOTALL)
    assert quote(name)[1:-1].replace('""', '"') == name


@given(st.text())
def test_no_text_gets_out_of_its_quotes(text: str) -> None:
    assert re.fullmatch(r"'(?:[^']|'')*'", literal(text), re.DOTALL)
    assert literal(text)[1:-1].replace("''", "'") == text


@pytest.mark.parametrize("name", ["", "a" * 64, "ü" * 32, 'a"b', "a;b", "a\0", "a.b", "x\n"])
def test_a_name_that_is_empty_too_long_or_not_allowed_is_refused(name: str) -> None:
    with pytest.raises(BadRecordError):
        check(name, re.compile(r"\w[\w$ -]*"))


def test_ordinary_names_are_allowed() -> None:
    for name in ("orders", "Größe", "_x$1", "a-b c", "a" * 63):
        assert check(name, re.compile(r"\w[\w$ -]*")) == name


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_their_bound_and_never_beyond(attempt: int, random: float) -> None:
    pause = pause_s(attempt, first_ms=100, longest_ms=5_000, random=random)
    assert min(0.05 * 2 ** min(attempt - 1, 20), 2.5) <= pause <= 5
