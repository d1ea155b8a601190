"""What an order's owning instance asks of a product's owner, and what it answers.

Both sides speak in states to reach, not in steps to take: a request says what the order wants now and at which version
of the order. So a request may be lost and sent again, doubled, late or overtaken: the highest version wins, and asking
for a state that is already reached changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from order_service.domain.product import Product


class DesiredHold(StrEnum):
    """The state an order wants for its goods at one owner."""

    RESERVED = "RESERVED"
    RELEASED = "RELEASED"
    SHIPPED = "SHIPPED"


class HoldState(StrEnum):
    """The state they are in, as their owner last said."""

    ASKED = "ASKED"
    RESERVED = "RESERVED"
    REFUSED = "REFUSED"
    RELEASED = "RELEASED"
    SHIPPED = "SHIPPED"


@dataclass(frozen=True, slots=True, kw_only=True)
class LineItem:
    """So many of one product."""

    product_id: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StockRequest:
    """From the order's owner (`instance`) to the products' owner, `home`."""

    order_id: str
    order_version: int
    instance: str
    home: str
    wanted: DesiredHold
    goods: tuple[LineItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StockAnswer:
    """From the products' owner (`home`) to the order's owner (`instance`): the state reached, at which version of the order."""

    order_id: str
    order_version: int
    instance: str
    home: str
    held: HoldState
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """One order's goods at this owner: all of them reserved, or none."""

    order_id: str
    order_version: int
    held: HoldState
    goods: tuple[LineItem, ...]
    reason: str | None

    def answer(self, request: StockRequest) -> StockAnswer:
        """What is sent back to where `request` came from."""
        return StockAnswer(
            order_id=self.order_id,
            order_version=self.order_version,
            instance=request.instance,
            home=request.home,
            held=self.held,
            reason=self.reason,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The reservation after a request and the products that changed with it (none, when the request was no news)."""

    reservation: Reservation
    products: tuple[Product, ...] = ()


def decide(
    request: StockRequest, reservation: Reservation | None, products: Mapping[str, Product], *, at: int
) -> Decision:
    """Bring `reservation` to the state that `request` wants, as far as the stock and the order's history allow."""
    if reservation is None:
        return _first(request, products, at=at)
    if request.order_version < reservation.order_version:
        return Decision(reservation=reservation)  # overtaken by a later wish
    reservation = replace(reservation, order_version=request.order_version)
    if reservation.held is not HoldState.RESERVED or request.wanted is DesiredHold.RESERVED:
        return Decision(reservation=reservation)  # refused, given back and shipped are final
    changed = tuple(
        products[item.product_id].release(item.quantity, at=at)
        if request.wanted is DesiredHold.RELEASED
        else products[item.product_id].ship(item.quantity, at=at)
        for item in reservation.goods
    )
    return Decision(reservation=replace(reservation, held=HoldState(request.wanted.value)), products=changed)


def _first(request: StockRequest, products: Mapping[str, Product], *, at: int) -> Decision:
    held, reason = HoldState.RESERVED, None
    changed: tuple[Product, ...] = ()
    missing = [
        item.product_id for item in request.goods if not _available(products.get(item.product_id), item)
    ]
    if request.wanted is DesiredHold.RELEASED:
        held = (
            HoldState.RELEASED
        )  # the release overtook its reservation: remember it, so that the late one reserves nothing
    elif request.wanted is DesiredHold.SHIPPED:
        held, reason = HoldState.REFUSED, "nothing was reserved"
    elif missing:
        held, reason = HoldState.REFUSED, f"out of stock: {', '.join(missing)}"
    else:
        changed = tuple(products[item.product_id].reserve(item.quantity, at=at) for item in request.goods)
    reservation = Reservation(
        order_id=request.order_id,
        order_version=request.order_version,
        held=held,
        goods=request.goods,
        reason=reason,
    )
    return Decision(reservation=reservation, products=changed)


def _available(product: Product | None, item: LineItem) -> bool:
    return product is not None and product.can_reserve(item.quantity)
