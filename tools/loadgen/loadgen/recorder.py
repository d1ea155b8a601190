"""A history while it is written: operations with the times of one clock."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from auditor.history.operation import Action, Operation, Outcome


class Recorder:
    """Collects operations. Only what has ended is in it, so a process that is cancelled says what it leaves open."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` gives seconds; the history begins at 0."""
        self._clock = clock
        self._began = clock()
        self.operations: list[Operation] = []
        self.outcomes: Counter[str] = Counter()

    def now(self) -> float:
        """Seconds since the history began."""
        return self._clock() - self._began

    def record(
        self, process: str, action: Action, *, invoked: float, outcome: Outcome, **known: Any
    ) -> Operation:
        """Add what ends now, or never will without an answer. `known` are fields of `Operation`."""
        operation = Operation(
            number=len(self.operations),
            process=process,
            action=action,
            invoked=invoked,
            completed=None if outcome is Outcome.UNKNOWN else self.now(),
            outcome=outcome,
            **known,
        )
        self.operations.append(operation)
        self.outcomes[outcome] += 1
        return operation
