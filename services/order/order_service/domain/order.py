"""An order: its lines at the prices of the moment it was placed, its status, and what the homes of its goods said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from order_service.domain.errors import IllegalTransitionError, InvalidOrderError
from order_service.domain.stock import DesiredHold, HoldState, LineItem, StockAnswer, StockRequest


class OrderStatus(StrEnum):
    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"


ASK_AGAIN_MS = 5_000
ASK_AGAIN_MOST = 7  # doublings: at most about ten minutes between two askings

WANTED = {
    OrderStatus.PENDING: DesiredHold.RESERVED,
    OrderStatus.CONFIRMED: DesiredHold.RESERVED,
    OrderStatus.REJECTED: DesiredHold.RELEASED,
    OrderStatus.CANCELLED: DesiredHold.RELEASED,
    OrderStatus.SHIPPED: DesiredHold.SHIPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    product_id: str
    quantity: int
    unit_price_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockHold:
    """The order's goods at one product home, and the last thing that home said about them."""

    home: str
    product_ids: tuple[str, ...]
    held: HoldState = HoldState.ASKED
    answered_version: int = 0

    def settled(self, wanted: DesiredHold) -> bool:
        """Nothing is left to ask of this home."""
        return self.held.value == wanted.value or (
            wanted is DesiredHold.RELEASED and self.held is HoldState.REFUSED
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """`version` counts the order's events from 1; an answer that changes only a hold is no event.

    PENDING → CONFIRMED | REJECTED; CONFIRMED → SHIPPED; PENDING, CONFIRMED → CANCELLED.
    """

    order_id: str
    user_id: str
    status: OrderStatus
    lines: tuple[OrderLine, ...]
    holds: tuple[StockHold, ...]
    version: int
    instance: str
    reason: str | None
    placed_at: int
    updated_at: int
    asks: int = 0
    """How often the homes that still owe an answer were asked again."""
    ask_again_at: int | None = None
    """When to ask them next; None when nothing is owed."""

    @property
    def total_cents(self) -> int:
        return sum(line.quantity * line.unit_price_cents for line in self.lines)

    @property
    def owed(self) -> bool:
        """Some home has not yet said that it reached the state this order wants."""
        wanted = WANTED[self.status]
        return not all(hold.settled(wanted) for hold in self.holds)

    @classmethod
    def place(  # noqa: PLR0913 - an order is made of this much
        cls,
        *,
        order_id: str,
        user_id: str,
        lines: Sequence[OrderLine],
        homes: Sequence[str],
        instance: str,
        at: int,
    ) -> Order:
        """`homes` stands beside `lines`: the instance that decides about each line's stock."""
        if not lines:
            raise InvalidOrderError("an order has at least one line", pointer="/lines")
        by_home: dict[str, list[str]] = {}
        seen: set[str] = set()
        for index, (line, home) in enumerate(zip(lines, homes, strict=True)):
            if line.quantity < 1:
                raise InvalidOrderError("a quantity is at least 1", pointer=f"/lines/{index}/quantity")
            if line.product_id in seen:
                raise InvalidOrderError(
                    f"{line.product_id} stands in two lines", pointer=f"/lines/{index}/product_id"
                )
            seen.add(line.product_id)
            by_home.setdefault(home, []).append(line.product_id)
        return cls(
            order_id=order_id,
            user_id=user_id,
            status=OrderStatus.PENDING,
            lines=tuple(lines),
            holds=tuple(StockHold(home=home, product_ids=tuple(ids)) for home, ids in by_home.items()),
            version=1,
            instance=instance,
            reason=None,
            placed_at=at,
            updated_at=at,
            ask_again_at=at + ASK_AGAIN_MS,
        )

    def cancel(self, *, at: int) -> Order:
        """From PENDING or CONFIRMED; what was reserved is to be released."""
        if self.status not in (OrderStatus.PENDING, OrderStatus.CONFIRMED):
            raise IllegalTransitionError(f"a {self.status} order cannot be cancelled")
        return self._moved(OrderStatus.CANCELLED, reason="cancelled by the customer", at=at)

    def ship(self, *, at: int) -> Order:
        """From CONFIRMED only: what leaves the house was reserved before."""
        if self.status is not OrderStatus.CONFIRMED:
            raise IllegalTransitionError(f"a {self.status} order cannot be shipped")
        return self._moved(OrderStatus.SHIPPED, reason=None, at=at)

    def answered(self, answer: StockAnswer, *, at: int) -> Order:
        """Take a home's answer in: an older one than the last is dropped; the last missing yes confirms, one no rejects."""
        holds = tuple(
            replace(hold, held=answer.held, answered_version=answer.order_version)
            if hold.home == answer.home and hold.answered_version <= answer.order_version
            else hold
            for hold in self.holds
        )
        if holds == self.holds:
            return self
        order = replace(self, holds=holds)
        if order.status is OrderStatus.PENDING and any(hold.held is HoldState.REFUSED for hold in holds):
            return order._moved(OrderStatus.REJECTED, reason=answer.reason, at=at)  # noqa: SLF001 - its own class
        if order.status is OrderStatus.PENDING and all(hold.held is HoldState.RESERVED for hold in holds):
            return order._moved(OrderStatus.CONFIRMED, reason=None, at=at)  # noqa: SLF001
        return order if order.owed else replace(order, ask_again_at=None)

    def ask_again(self, *, at: int) -> Order:
        """The homes that owe an answer are being asked once more; the next time is twice as far away."""
        return self._asked(self.asks + 1, at=at)

    def requests(self) -> tuple[StockRequest, ...]:
        """What is to be asked of the homes now; sending it again does no harm."""
        wanted = WANTED[self.status]
        quantity = {line.product_id: line.quantity for line in self.lines}
        return tuple(
            StockRequest(
                order_id=self.order_id,
                order_version=self.version,
                instance=self.instance,
                home=hold.home,
                wanted=wanted,
                goods=tuple(LineItem(product_id=id_, quantity=quantity[id_]) for id_ in hold.product_ids),
            )
            for hold in self.holds
            if not hold.settled(wanted)
        )

    def _moved(self, status: OrderStatus, *, reason: str | None, at: int) -> Order:
        moved = replace(self, status=status, reason=reason, version=self.version + 1, updated_at=at)
        return moved._asked(0, at=at)  # noqa: SLF001

    def _asked(self, asks: int, *, at: int) -> Order:
        pause = ASK_AGAIN_MS << min(asks, ASK_AGAIN_MOST)
        return replace(self, asks=asks, ask_again_at=at + pause if self.owed else None)
