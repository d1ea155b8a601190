"""What an order and a product may do: the rules of the service, written a second time, as states and steps.

Only what clients are promised is here. What the system does between two commands (a saga that confirms an order, a
reservation that moves stock) is a step that the model may take at any moment.
"""

from collections.abc import Iterator
from typing import NamedTuple

from auditor.history.operation import Action, Operation, Outcome, Seen

CANCELLABLE = ("PENDING", "CONFIRMED")
_ALLOWED = {Action.CANCEL: CANCELLABLE, Action.SHIP: ("CONFIRMED",)}
_BECOMES = {Action.CANCEL: "CANCELLED", Action.SHIP: "SHIPPED"}
ILLEGAL = "illegal-transition"
ABSENT = frozenset({"unknown-order", "unknown-product"})


class OrderState(NamedTuple):
    """Version 0 is an order that is not there yet."""

    version: int = 0
    status: str = ""


class ProductState(NamedTuple):
    """`shipped` is the least that has left the warehouse; version 0 is a product that is not there yet."""

    version: int = 0
    price: int = 0
    received: int = 0
    shipped: int = 0


def order_step(state: OrderState, operation: Operation) -> Iterator[OrderState]:
    """States of an order after `operation`, which finds it in `state` or in what the saga has made of it."""
    possible = [state]
    if state.status == "PENDING":  # the owners of its goods have answered meanwhile
        possible += [OrderState(state.version + 1, status) for status in ("CONFIRMED", "REJECTED")]
    for before in possible:
        yield from _order_after(before, operation)


def _order_after(before: OrderState, operation: Operation) -> Iterator[OrderState]:
    action = operation.action
    if operation.outcome is Outcome.REFUSED:
        fits = (
            (operation.reason in ABSENT and not before.version)
            or (operation.reason == ILLEGAL and before.version and before.status not in _ALLOWED[action])
            or operation.reason not in (*ABSENT, ILLEGAL)
        )
        after = before if fits else None
    elif action is Action.READ:
        after = before if before.version else None
    elif action is Action.PLACE:
        after = OrderState(1, "PENDING") if not before.version else None
    elif before.status in _ALLOWED[action]:
        after = OrderState(before.version + 1, _BECOMES[action])
    else:
        after = None
    if after is not None and operation.seen in (None, Seen(version=after.version, status=after.status)):
        yield after


def product_step(state: ProductState, operation: Operation) -> Iterator[ProductState]:
    """States of a product after `operation`; reservations may have raised its version before it."""
    if operation.outcome is Outcome.REFUSED:
        if operation.reason not in ABSENT or not state.version:
            yield state
        return
    if operation.action is Action.REGISTER:
        if state.version:
            return
        changed = ProductState(1, operation.price or 0, operation.quantity)
    elif not state.version:
        return
    elif operation.action is Action.RESTOCK:
        changed = state._replace(version=state.version + 1, received=state.received + operation.quantity)
    elif operation.action is Action.REPRICE:
        changed = state._replace(version=state.version + 1, price=operation.price or 0)
    else:
        changed = state
    if operation.seen is None:
        yield changed
    elif (shown := _shown(changed, operation.seen)) is not None:
        yield shown


def _shown(state: ProductState, seen: Seen) -> ProductState | None:
    """The state, if that is what can be seen of it: stock that was received is available, reserved or shipped for good."""
    available, reserved = seen.available or 0, seen.reserved or 0
    shipped = state.received - available - reserved
    fits = (
        seen.version >= state.version
        and seen.price == state.price
        and min(available, reserved) >= 0
        and shipped >= state.shipped
    )
    return state._replace(version=seen.version, shipped=shipped) if fits else None
