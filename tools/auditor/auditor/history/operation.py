"""One thing that a client did or saw: when it was begun, when it ended, and what is known of it."""

from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path

import msgspec


class Action(StrEnum):
    """What was asked, and of whom."""

    PLACE = "place"
    CANCEL = "cancel"
    SHIP = "ship"
    REGISTER = "register"
    RESTOCK = "restock"
    REPRICE = "reprice"
    READ = "read"  # at an order instance
    QUERY = "query"  # at the catalog
    SNAPSHOT = "snapshot"  # a stream begins anew; without an aggregate: what follows are its rows
    TOLD = "told"  # an event of the stream
    FINAL = "final"  # everything is drained; without an aggregate: what follows are the read model's rows


CREATING = (Action.PLACE, Action.REGISTER)
CHANGING = (Action.CANCEL, Action.SHIP, Action.RESTOCK, Action.REPRICE)
COMMANDS = (*CREATING, *CHANGING)


class Outcome(StrEnum):
    """What is known of it."""

    OK = "ok"
    REFUSED = "refused"  # nothing came of it, because of `reason`
    UNKNOWN = "unknown"  # it may have taken effect, or may yet, or never will


class Seen(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An aggregate as an answer or an event shows it: of an order `status`, of a product the rest."""

    version: int
    status: str | None = None
    price: int | None = None
    available: int | None = None
    reserved: int | None = None


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Times are seconds of one monotonic clock, the same for all of a history.

    A command that its client repeats until it is answered is one operation, from its first attempt to its last answer;
    `attempts` says how many there were. A process does one thing at a time.
    """

    number: int
    process: str
    action: Action
    invoked: float
    completed: float | None = None
    outcome: Outcome = Outcome.UNKNOWN
    aggregate: str = ""
    """`orders:<id>` or `products:<id>`; empty for an order whose id is not known."""
    key: str | None = None
    """Its Idempotency-Key; of an order also its `user_id`, by which the order is found whoever shows it."""
    reason: str = ""
    """Of a refusal: the last part of the problem's type."""
    seen: Seen | None = None
    at_least: int | None = None
    """Of a query: the version that its token asks for."""
    lines: tuple[tuple[str, int], ...] = ()
    """Of PLACE: products and quantities."""
    quantity: int = 0
    """Of REGISTER and RESTOCK."""
    price: int | None = None
    """Of REGISTER and REPRICE."""
    attempts: int = 1
    where: str = ""
    """Who was asked."""

    @property
    def end(self) -> float:
        """When it was over; never, without an answer."""
        return float("inf") if self.completed is None or self.outcome is Outcome.UNKNOWN else self.completed

    @property
    def is_order(self) -> bool:
        """Whether it is about an order."""
        return self.aggregate.startswith("orders:")


def write_history(path: Path, operations: Iterable[Operation]) -> None:
    """Replace `path` with one JSON line per operation."""
    with path.open("wb") as file:
        file.writelines(msgspec.json.encode(operation) + b"\n" for operation in operations)


def read_history(path: Path) -> tuple[Operation, ...]:
    """Raises OSError or msgspec.MsgspecError (a line is no operation)."""
    with path.open("rb") as file:
        return tuple(msgspec.json.decode(line, type=Operation) for line in file)
