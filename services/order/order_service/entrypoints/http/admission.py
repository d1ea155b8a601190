"""How many commands may be under way at one instance."""

from dataclasses import dataclass

from prometheus_client import Gauge

from order_service.entrypoints.http.problems import TOO_MANY_COMMANDS, ProblemError

UNDER_WAY = Gauge("order_commands_under_way", "Commands admitted and not yet answered")


@dataclass(slots=True)
class Admission:
    """A burst beyond `limit` is told to come again (429) before anything of it is decided.

    So what is admitted is answered in bounded time, and who is not knows for certain that nothing has happened.
    A `with` takes a place for one command, or raises `Problem` when there is none.
    """

    limit: int
    under_way: int = 0

    def __post_init__(self) -> None:
        """The metric is counted when somebody looks, not for every command."""
        UNDER_WAY.set_function(lambda: self.under_way)

    def __enter__(self) -> None:
        """Take a place."""
        if self.under_way >= self.limit:
            raise ProblemError(TOO_MANY_COMMANDS, f"{self.limit} commands are under way here", retry_after=1)
        self.under_way += 1

    def __exit__(self, *_error: object) -> None:
        """Give the place back."""
        self.under_way -= 1
