"""What a task does about a failure: a pure decision out of the error and of what was tried already."""

import random
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg
from aiokafka.errors import (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    KafkaError,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
    UnsupportedSaslMechanismError,
)

from sink_connector.errors import FatalError, FencedError, headline, is_want_of_memory
from sink_connector.sink.buffer import is_short_of_memory
from sink_connector.sink.sqlstate import Decision, decide, is_short_of_resources

KAFKA_REFUSES = (
    AuthenticationFailedError,
    GroupAuthorizationFailedError,
    IncompatibleBrokerVersion,
    SaslAuthenticationFailed,
    TopicAuthorizationFailedError,
    UnsupportedCodecError,
    UnsupportedSaslMechanismError,
)
AWAY = (
    OSError,
    KafkaError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,  # shutdown, start-up, crash
    asyncpg.ReadOnlySQLTransactionError,  # a fail-over
    asyncpg.InterfaceError,
)
AWAY_MS = (
    1_000  # longest pause while a server cannot be reached: it is used again within a second of its return
)
MOST_REFRESHES = 3  # times a batch is tried again because a table was found changed
MOST_TIMEOUTS = 3  # of a single record, before it counts as one that cannot be written


@dataclass(frozen=True, slots=True)
class Retry:
    """Do the same again after a pause, in seconds; `decision` is what it is waited for."""

    after_s: float
    decision: Decision = Decision.RETRY


@dataclass(frozen=True, slots=True)
class Isolate:
    """Find the records at fault. With `final`, those that lack a row they refer to are not waited for any more."""

    final: bool = False


@dataclass(frozen=True, slots=True)
class Halve:
    """Write one half of the batch after the other."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The batch's only record cannot be written."""


@dataclass(frozen=True, slots=True)
class Refresh:
    """Look at the tables again, then do the same again."""


@dataclass(frozen=True, slots=True)
class Fail:
    """The task cannot go on without a person."""

    reason: str


Action = Retry | Isolate | Halve | Refuse | Refresh | Fail


@dataclass(slots=True, kw_only=True)
class Attempts:
    """What was tried with one batch so far.

    `records` is how many there are to be written, dead letters not counted; `waited_ms` is since a row that one refers to
    was first found missing, None if it never was.
    """

    records: int = 1
    refreshes: int = 0
    timeouts: int = 0
    isolated: bool = False
    waited_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """Pauses double from `first_ms` to `longest_ms`; `random()` in [0, 1) takes up to a half off.

    That spreads the tasks that lost the same server at the same moment.

    A row that is referred to and missing is waited for: `max_retries` pauses of `first_ms`, or `patience_ms` (-1: for
    ever), whichever is longer. While the process `is_short` of memory, no record is to blame for finding none.
    """

    first_ms: int = 100
    longest_ms: int = 60_000
    max_retries: int = 10
    patience_ms: int = 0
    random: Callable[[], float] = random.random
    is_short: Callable[[], bool] = is_short_of_memory

    def on(self, error: BaseException, attempt: int, tried: Attempts | None = None) -> Action:
        """The action about failure number `attempt` in a row (1 is the first) of a batch, or of any other step.

        `tried` is what happened to the batch; without one, only `Retry` and `Fail` are possible answers.
        """
        decision = self._decision(error, is_batch=tried is not None)
        if decision is Decision.FATAL:
            return Fail(reason(error))
        if decision is Decision.RETRY or tried is None:
            return Retry(self.pause_s(attempt, is_away=is_away(error)))
        if decision is Decision.TIMEOUT:
            return self._after_timeout(error, attempt, tried)
        if decision is Decision.STALE:
            return Refresh() if tried.refreshes < MOST_REFRESHES else self._isolated(error, tried)
        if decision is Decision.REFERENCE:
            return self._without_reference(tried)
        return self._isolated(error, tried)

    def pause_s(self, attempt: int, *, is_away: bool = False) -> float:
        """Seconds before the repetition that follows failure number `attempt`."""
        longest = min(self.longest_ms, AWAY_MS) if is_away else self.longest_ms
        full = min(float(longest), max(self.first_ms, 1) * 2.0 ** min(attempt - 1, 30))
        return full * (1 - self.random() / 2) / 1000

    def _decision(self, error: BaseException, *, is_batch: bool) -> Decision:
        if isinstance(error, FatalError | FencedError):
            return Decision.FATAL
        if isinstance(error, KafkaError):
            return Decision.FATAL if isinstance(error, KAFKA_REFUSES) else Decision.RETRY
        decision = decide(error)
        if is_batch or decision in {Decision.RETRY, Decision.FATAL}:
            return decision
        return Decision.RETRY if decision is Decision.TIMEOUT else Decision.FATAL

    def _isolated(self, error: BaseException, tried: Attempts) -> Action:
        return Fail(reason(error)) if tried.isolated else Isolate()

    def _after_timeout(self, error: BaseException, attempt: int, tried: Attempts) -> Action:
        if tried.records > 1:
            return Halve()
        is_innocent = is_short_of_resources(error) or (is_want_of_memory(error) and self.is_short())
        if tried.records and tried.timeouts >= MOST_TIMEOUTS and not is_innocent:
            return Refuse()
        return Retry(self.pause_s(attempt), Decision.TIMEOUT)

    def _without_reference(self, tried: Attempts) -> Action:
        if not tried.isolated:
            return Isolate()
        patience = max(self.max_retries * self.first_ms, self.patience_ms)
        if tried.waited_ms is None or self.patience_ms < 0 or tried.waited_ms < patience:
            return Retry(max(self.first_ms, 1) / 1000, Decision.REFERENCE)
        return Isolate(final=True)


def is_away(error: BaseException) -> bool:
    """Whether a server cannot be used at all for now, so that asking it again costs nobody anything."""
    return isinstance(error, AWAY)


def reason(error: BaseException) -> str:
    """One line that names the kind of a failure and what it says."""
    return f"{type(error).__name__}: {headline(error)}"
