"""An order: its lines at the prices of the moment it was placed, its status, and what the owners of its goods said."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from order_service.domain.errors import IllegalTransitionError, InvalidAnswerError, InvalidOrderError
from order_service.domain.stock import DesiredHold, HoldState, LineItem, StockAnswer, StockRequest


class OrderStatus(StrEnum):
    """Where an order stands; see `Order` for the ways between."""

    PENDING = "PENDING"
    CONFIRMED = "CONFIRMED"
    REJECTED = "REJECTED"
    SHIPPED = "SHIPPED"
    CANCELLED = "CANCELLED"


ASK_AGAIN_MS = 5_000
ASKS_MOST = 32_000  # as many as are counted: its column holds few more
ASK_AGAIN_MOST = 7  # doublings: at most about ten minutes between two askings
MAX_TOTAL_CENTS = 2**63 - 1  # what the event and the column can carry
LONGEST_PAUSE_MS = ASK_AGAIN_MS << ASK_AGAIN_MOST

EVENTS = {
    OrderStatus.CONFIRMED: "order.confirmed",
    OrderStatus.REJECTED: "order.rejected",
    OrderStatus.CANCELLED: "order.cancelled",
    OrderStatus.SHIPPED: "order.shipped",
}

WANTED = {
    OrderStatus.PENDING: DesiredHold.RESERVED,
    OrderStatus.CONFIRMED: DesiredHold.RESERVED,
    OrderStatus.REJECTED: DesiredHold.RELEASED,
    OrderStatus.CANCELLED: DesiredHold.RELEASED,
    OrderStatus.SHIPPED: DesiredHold.SHIPPED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """So many of one product, at the price of the moment the order was placed (minor units)."""

    product_id: str
    quantity: int
    unit_price_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockHold:
    """The order's goods at one owning instance, and the last thing it said about them."""

    home: str
    product_ids: tuple[str, ...]
    held: HoldState = HoldState.ASKED
    answered_version: int = 0

    def settled(self, wanted: DesiredHold) -> bool:
        """Nothing is left to ask of this owner."""
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
    """How often the owners that still owe an answer were asked again."""
    ask_again_at: int | None = None
    """When to ask them next; None when nothing is owed."""
    recorded: tuple[str | StockRequest, ...] = field(default=(), compare=False, repr=False)
    """Bare types of the events and the messages that are to be published with this state, in order."""

    @property
    def total_cents(self) -> int:
        """Of all lines, minor units."""
        total = 0
        for line in self.lines:
            total += line.quantity * line.unit_price_cents
        return total

    @property
    def owed(self) -> bool:
        """Some owner has not yet said that it reached the state this order wants."""
        return _is_owed(self.holds, WANTED[self.status])

    @classmethod
    def place(  # noqa: PLR0913 - an order is made of this much
        cls,
        *,
        order_id: str,
        user_id: str,
        lines: Sequence[OrderLine],
        owners: Sequence[str],
        instance: str,
        at: int,
    ) -> Self:
        """`owners` stands beside `lines`: the instance that decides about each line's stock."""
        holds = _holds(lines, owners)
        requests = _requests(
            holds, lines, order_id=order_id, version=1, instance=instance, wanted=WANTED[OrderStatus.PENDING]
        )
        order = cls(
            order_id=order_id,
            user_id=user_id,
            status=OrderStatus.PENDING,
            lines=tuple(lines),
            holds=holds,
            version=1,
            instance=instance,
            reason=None,
            placed_at=at,
            updated_at=at,
            ask_again_at=at + ASK_AGAIN_MS,
            recorded=("order.placed", *requests),
        )
        if order.total_cents > MAX_TOTAL_CENTS:
            raise InvalidOrderError(f"a total of {order.total_cents} is more than an order can have")
        return order

    def published(self) -> Self:
        """The same state, with nothing left to publish."""
        return replace(self, recorded=())

    def cancel(self, *, at: int) -> Self:
        """From PENDING or CONFIRMED; what was reserved is to be released."""
        if self.status not in (OrderStatus.PENDING, OrderStatus.CONFIRMED):
            raise IllegalTransitionError(f"a {self.status} order cannot be cancelled")
        return self._moved(OrderStatus.CANCELLED, reason="cancelled by the customer", at=at)

    def ship(self, *, at: int) -> Self:
        """From CONFIRMED only: what leaves the warehouse was reserved before."""
        if self.status is not OrderStatus.CONFIRMED:
            raise IllegalTransitionError(f"a {self.status} order cannot be shipped")
        return self._moved(OrderStatus.SHIPPED, reason=None, at=at)

    def answered(self, answer: StockAnswer, *, at: int) -> Self:
        """Apply an owner's answer: an older one than the last is dropped; the last missing yes confirms, one no rejects.

        Raises:
            InvalidAnswerError: it comes from an instance that owns none of the goods, or answers a version to come.
        """
        if all(hold.home != answer.home for hold in self.holds):
            raise InvalidAnswerError(f"{answer.home} owns none of the goods of {self.order_id}")
        if answer.order_version > self.version:
            raise InvalidAnswerError(
                f"{self.order_id} is at version {self.version}, not {answer.order_version}"
            )
        holds = tuple(
            replace(hold, held=answer.held, answered_version=answer.order_version)
            if hold.home == answer.home and hold.answered_version <= answer.order_version
            else hold
            for hold in self.holds
        )
        if holds == self.holds:
            return self
        if self.status is OrderStatus.PENDING and any(hold.held is HoldState.REFUSED for hold in holds):
            return self._moved(OrderStatus.REJECTED, reason=answer.reason, at=at, holds=holds)
        if self.status is OrderStatus.PENDING and all(hold.held is HoldState.RESERVED for hold in holds):
            return self._moved(OrderStatus.CONFIRMED, reason=None, at=at, holds=holds)
        owed = _is_owed(holds, WANTED[self.status])
        return replace(self, holds=holds, ask_again_at=self.ask_again_at if owed else None)

    def ask_again(self, *, at: int) -> Self:
        """The owners that owe an answer are being asked once more; the next time is twice as far away."""
        asks = min(self.asks, ASKS_MOST) + 1
        pause = ASK_AGAIN_MS << min(asks, ASK_AGAIN_MOST)
        return replace(
            self,
            asks=asks,
            ask_again_at=at + pause if self.owed else None,
            recorded=(*self.recorded, *self.requests()),
        )

    def overdue(self, *, now: int) -> bool:
        """It is time to ask again; so it is when the time lies further off than any pause: the clock was set back."""
        due = self.ask_again_at
        return due is not None and (due <= now or due > now + LONGEST_PAUSE_MS)

    def requests(self) -> tuple[StockRequest, ...]:
        """What is to be asked of the owners now; sending it again does no harm."""
        return _requests(
            self.holds,
            self.lines,
            order_id=self.order_id,
            version=self.version,
            instance=self.instance,
            wanted=WANTED[self.status],
        )

    def _moved(
        self,
        status: OrderStatus,
        *,
        reason: str | None,
        at: int,
        holds: tuple[StockHold, ...] | None = None,
    ) -> Self:
        """To `status`, with other `holds` if they are given: the next version."""
        holds = self.holds if holds is None else holds
        version, wanted = self.version + 1, WANTED[status]
        requests = _requests(
            holds,
            self.lines,
            order_id=self.order_id,
            version=version,
            instance=self.instance,
            wanted=wanted,
        )
        return replace(
            self,
            status=status,
            holds=holds,
            version=version,
            reason=reason,
            updated_at=at,
            asks=0,
            ask_again_at=at + ASK_AGAIN_MS if requests else None,
            recorded=(*self.recorded, EVENTS[status], *requests),
        )


def _is_owed(holds: Sequence[StockHold], wanted: DesiredHold) -> bool:
    return not all(hold.settled(wanted) for hold in holds)


def _requests(  # noqa: PLR0913 - a request is made of this much
    holds: Sequence[StockHold],
    lines: Sequence[OrderLine],
    *,
    order_id: str,
    version: int,
    instance: str,
    wanted: DesiredHold,
) -> tuple[StockRequest, ...]:
    """What an order asks of the owners that have not yet said `wanted`."""
    asked = [hold for hold in holds if not hold.settled(wanted)]
    if not asked:
        return ()
    quantity = {line.product_id: line.quantity for line in lines}
    return tuple(
        [
            StockRequest(
                order_id=order_id,
                order_version=version,
                instance=instance,
                home=hold.home,
                wanted=wanted,
                goods=tuple([LineItem(product_id=id_, quantity=quantity[id_]) for id_ in hold.product_ids]),
            )
            for hold in asked
        ]
    )


def _holds(lines: Sequence[OrderLine], owners: Sequence[str]) -> tuple[StockHold, ...]:
    """What is to be reserved where. Raises `InvalidOrderError` for lines that are none of an order."""
    if not lines:
        raise InvalidOrderError("an order has at least one line", pointer="/lines")
    by_owner: dict[str, list[str]] = {}
    seen: set[str] = set()
    for index, (line, owner) in enumerate(zip(lines, owners, strict=True)):
        if line.quantity < 1:
            raise InvalidOrderError("a quantity is at least 1", pointer=f"/lines/{index}/quantity")
        if line.product_id in seen:
            raise InvalidOrderError(
                f"{line.product_id} stands in two lines", pointer=f"/lines/{index}/product_id"
            )
        seen.add(line.product_id)
        by_owner.setdefault(owner, []).append(line.product_id)
    return tuple(StockHold(home=owner, product_ids=tuple(ids)) for owner, ids in by_owner.items())
