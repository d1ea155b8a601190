"""Whether more was ever held and shipped than had been received."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from auditor.history.operation import Action, Operation, Outcome
from auditor.history.violation import Violation, by_aggregate

_HELD = ("CONFIRMED", "SHIPPED")


def never_oversold(history: Sequence[Operation]) -> Iterator[Violation]:
    """At no moment is more certainly held or shipped than can have been received.

    Goods are certainly held from the end of the first operation that saw their order CONFIRMED to the beginning of its
    cancellation, and for good once it was seen SHIPPED. Received is at most what every delivery begun so far has brought.
    """
    changes: defaultdict[str, list[tuple[float, int, Operation]]] = defaultdict(list)
    for operation in history:
        if operation.action in (Action.REGISTER, Action.RESTOCK) and operation.outcome is not Outcome.REFUSED:
            changes[operation.aggregate].append((operation.invoked, operation.quantity, operation))
    for aggregate, operations in by_aggregate(history).items():
        placed = next((o for o in operations if o.action is Action.PLACE and o.lines), None)
        if placed is None or not aggregate.startswith("orders:"):
            continue
        for product, quantity in placed.lines:
            if f"products:{product}" in changes:
                changes[f"products:{product}"] += _holding(operations, quantity)
    for product, moves in changes.items():
        yield from _oversold(product, moves)


def _holding(operations: Sequence[Operation], quantity: int) -> Iterator[tuple[float, int, Operation]]:
    held = [o for o in operations if o.seen is not None and o.seen.status in _HELD]
    if not held:
        return
    first = min(held, key=lambda o: o.end)
    shipped = any(o.seen is not None and o.seen.status == "SHIPPED" for o in held)
    given_back = [o for o in operations if o.action is Action.CANCEL and o.outcome is not Outcome.REFUSED] + [
        o for o in operations if o.seen is not None and o.seen.status == "CANCELLED"
    ]
    until = min(given_back, key=lambda o: o.invoked, default=None)
    if shipped or until is None:
        yield (first.end, -quantity, first)
    elif first.end < until.invoked:
        yield (first.end, -quantity, first)
        yield (until.invoked, quantity, until)


def _oversold(product: str, moves: Sequence[tuple[float, int, Operation]]) -> Iterator[Violation]:
    left = 0
    holders: list[Operation] = []
    for _at, quantity, operation in sorted(moves, key=lambda move: (move[0], -move[1])):
        left += quantity
        holders.append(operation)
        if left < 0:
            yield Violation(
                check="stock",
                subject=product,
                detail=f"{-left} more are held at once than were received",
                operations=tuple(holders[-12:]),
            )
            return
