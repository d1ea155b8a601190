"""Out of a failure and of what was tried already comes one action."""

import asyncpg
import pytest
from aiokafka.errors import NodeNotReadyError, TopicAuthorizationFailedError
from hypothesis import given
from hypothesis import strategies as st

from sink_connector.errors import BadRecordError, FatalError
from sink_connector.runtime.retry import (
    AWAY_MS,
    MOST_REFRESHES,
    MOST_TIMEOUTS,
    Attempts,
    Fail,
    Halve,
    Isolate,
    Refresh,
    Refuse,
    Retry,
    RetryPolicy,
)
from sink_connector.sink.sqlstate import Decision

POLICY = RetryPolicy(first_ms=100, longest_ms=60_000, max_retries=5, random=lambda: 0.0)
ORPHAN = asyncpg.ForeignKeyViolationError("")
SLOW = asyncpg.QueryCanceledError("")


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_pauses_grow_to_their_bound_and_never_beyond(attempt: int, random: float) -> None:
    policy = RetryPolicy(first_ms=100, longest_ms=5_000, random=lambda: random)
    assert min(0.05 * 2 ** min(attempt - 1, 20), 2.5) <= policy.pause_s(attempt) <= 5


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        asyncpg.CannotConnectNowError(""),
        asyncpg.AdminShutdownError(""),
        asyncpg.ConnectionDoesNotExistError(""),
        asyncpg.ReadOnlySQLTransactionError(""),
        NodeNotReadyError(),
    ],
)
def test_a_server_that_is_away_is_asked_again_every_second_however_long_it_was(error: Exception) -> None:
    action = POLICY.on(error, 1_000)
    assert isinstance(action, Retry)
    assert action.after_s <= AWAY_MS / 1000


def test_a_full_disk_is_tried_again_ever_more_seldom() -> None:
    pauses = [POLICY.on(asyncpg.DiskFullError(""), attempt, Attempts()) for attempt in (1, 2, 3, 50)]
    assert pauses == [Retry(0.1), Retry(0.2), Retry(0.4), Retry(60.0)]


def test_a_bad_record_is_isolated_once_and_what_cannot_be_isolated_fails() -> None:
    assert POLICY.on(BadRecordError(""), 1, Attempts(records=9)) == Isolate()
    assert isinstance(POLICY.on(BadRecordError(""), 1, Attempts(isolated=True)), Fail)


def test_a_batch_that_takes_too_long_is_halved_down_to_one_record_which_is_then_refused() -> None:
    assert POLICY.on(SLOW, 1, Attempts(records=2)) == Halve()
    assert POLICY.on(TimeoutError(), 1, Attempts(records=5_000)) == Halve()
    assert POLICY.on(MemoryError(), 1, Attempts(records=5_000)) == Halve()
    for timeouts in range(MOST_TIMEOUTS):
        action = POLICY.on(SLOW, 1, Attempts(records=1, timeouts=timeouts))
        assert isinstance(action, Retry)
        assert action.decision is Decision.TIMEOUT
    assert POLICY.on(SLOW, 1, Attempts(records=1, timeouts=MOST_TIMEOUTS)) == Refuse()


@pytest.mark.parametrize(("is_short", "refused"), [(True, False), (False, True)])
def test_a_record_that_found_no_memory_is_refused_only_where_others_find_some(
    *, is_short: bool, refused: bool
) -> None:
    policy = RetryPolicy(first_ms=100, is_short=lambda: is_short)
    action = policy.on(MemoryError(), 1, Attempts(records=1, timeouts=MOST_TIMEOUTS))
    assert isinstance(action, Refuse if refused else Retry)


@pytest.mark.parametrize("error", [asyncpg.OutOfMemoryError(""), asyncpg.ConfigurationLimitExceededError("")])
def test_a_record_for_which_the_server_has_no_room_is_never_refused(error: Exception) -> None:
    assert POLICY.on(error, 1, Attempts(records=2)) == Halve()
    assert isinstance(POLICY.on(error, 1, Attempts(records=1, timeouts=99)), Retry)


def test_a_batch_with_nothing_to_write_is_never_refused() -> None:
    assert isinstance(POLICY.on(SLOW, 1, Attempts(records=0, timeouts=99)), Retry)


@pytest.mark.parametrize(
    ("policy", "waited_ms", "action"),
    [
        (POLICY, None, Retry(0.1, Decision.REFERENCE)),
        (POLICY, 499.0, Retry(0.1, Decision.REFERENCE)),
        (POLICY, 500.0, Isolate(final=True)),
        (
            RetryPolicy(first_ms=100, max_retries=5, patience_ms=2_000),
            1_999.0,
            Retry(0.1, Decision.REFERENCE),
        ),
        (RetryPolicy(first_ms=100, max_retries=5, patience_ms=2_000), 2_000.0, Isolate(final=True)),
        (RetryPolicy(first_ms=100, patience_ms=-1), 1e12, Retry(0.1, Decision.REFERENCE)),
    ],
)
def test_a_missing_row_is_waited_for_as_long_as_configured(
    policy: RetryPolicy, waited_ms: float | None, action: object
) -> None:
    assert policy.on(ORPHAN, 1, Attempts(records=3)) == Isolate()
    assert policy.on(ORPHAN, 7, Attempts(records=3, isolated=True, waited_ms=waited_ms)) == action


def test_a_changed_table_is_looked_at_again_a_few_times() -> None:
    error = asyncpg.UndefinedColumnError("")
    assert POLICY.on(error, 1, Attempts(refreshes=MOST_REFRESHES - 1)) == Refresh()
    assert POLICY.on(error, 1, Attempts(refreshes=MOST_REFRESHES)) == Isolate()
    assert isinstance(POLICY.on(error, 1, Attempts(refreshes=MOST_REFRESHES, isolated=True)), Fail)


@pytest.mark.parametrize(
    "error", [FatalError("no"), TopicAuthorizationFailedError(), asyncpg.DataCorruptedError("")]
)
def test_what_only_a_person_can_mend_fails_the_task(error: Exception) -> None:
    assert isinstance(POLICY.on(error, 1), Fail)
    assert isinstance(POLICY.on(error, 1, Attempts()), Fail)


def test_outside_of_a_batch_there_is_nothing_to_isolate() -> None:
    assert isinstance(POLICY.on(KeyError("x"), 1), Fail)
    assert isinstance(POLICY.on(SLOW, 1), Retry)
