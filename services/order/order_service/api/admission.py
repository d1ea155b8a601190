"""How many commands may be under way at one instance."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import Gauge

from order_service.api.problems import TOO_MANY_COMMANDS, Problem

UNDER_WAY = Gauge("order_commands_under_way", "Commands admitted and not yet answered")


@dataclass(slots=True)
class Admission:
    """A burst beyond `limit` is told to come again (429) before anything of it is decided.

    So what is admitted is answered in bounded time, and who is not knows for certain that nothing has happened.
    """

    limit: int
    under_way: int = 0

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Take a place for one command. Raises `Problem` when there is none."""
        if self.under_way >= self.limit:
            raise Problem(TOO_MANY_COMMANDS, f"{self.limit} commands are under way here", retry_after=1)
        self._set(self.under_way + 1)
        try:
            yield
        finally:
            self._set(self.under_way - 1)

    def _set(self, under_way: int) -> None:
        self.under_way = under_way
        UNDER_WAY.set(under_way)
