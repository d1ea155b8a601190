"""Random histories: whatever happens in whatever order, the stock adds up and both sides agree in the end."""

import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from order_service.domain import stock
from order_service.domain.errors import IllegalTransitionError
from order_service.domain.order import Order, OrderLine, OrderStatus
from order_service.domain.product import Product
from order_service.domain.stock import HoldState, Reservation, StockAnswer, StockRequest

OWNERS = ("order-1", "order-2")
ALLOWED = {
    (OrderStatus.PENDING, OrderStatus.CONFIRMED),
    (OrderStatus.PENDING, OrderStatus.REJECTED),
    (OrderStatus.PENDING, OrderStatus.CANCELLED),
    (OrderStatus.CONFIRMED, OrderStatus.CANCELLED),
    (OrderStatus.CONFIRMED, OrderStatus.SHIPPED),
}


@dataclass
class Shop:
    """Two owners with a product each, orders over both, and a network that does what it likes."""

    chance: random.Random
    initial: int
    products: dict[str, Product] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    reservations: dict[tuple[str, str], Reservation] = field(default_factory=dict)
    network: list[StockRequest | StockAnswer] = field(default_factory=list)
    restocked: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for owner in OWNERS:
            self.products[owner] = Product.register(
                product_id=owner, name="x", unit_price_cents=1, stock=self.initial, instance=owner, at=0
            )
            self.restocked[owner] = self.initial

    def place(self, number: int, quantities: list[int]) -> None:
        chosen = [(owner, count) for owner, count in zip(OWNERS, quantities, strict=True) if count]
        order = Order.place(
            order_id=f"o-{number}",
            user_id="u",
            lines=[
                OrderLine(product_id=owner, quantity=count, unit_price_cents=1) for owner, count in chosen
            ],
            owners=[owner for owner, _ in chosen],
            instance="order-1",
            at=0,
        )
        self.orders[order.order_id] = order
        self.network.extend(order.requests())

    def command(self, name: str, order_id: str) -> None:
        order = self.orders[order_id]
        try:
            changed = order.cancel(at=1) if name == "cancel" else order.ship(at=1)
        except IllegalTransitionError:
            return
        self._changed(order, changed)

    def deliver(self, *, lose: bool, double: bool) -> None:
        """Any message may come next: the network does not keep an order."""
        if not self.network:
            return
        message = self.network.pop(self.chance.randrange(len(self.network)))
        if lose:
            return
        if double:
            self.network.append(message)
        if isinstance(message, StockRequest):
            self._decide(message)
        else:
            order = self.orders[message.order_id]
            self._changed(order, order.answered(message, at=2))

    def settle(self) -> None:
        """Everybody asks again until nobody owes an answer."""
        for _ in range(10):
            for order in self.orders.values():
                self.network.extend(order.requests())
            while self.network:
                self.deliver(lose=False, double=False)
                self.check()

    def check(self) -> None:
        """STOCK at every moment; `Product` itself refuses a sum that does not add up."""
        for owner, product in self.products.items():
            assert product.stock_received == self.restocked[owner]
            held = [r for (place, _), r in self.reservations.items() if place == owner]
            assert product.stock_reserved == _quantity(held, HoldState.RESERVED)
            assert product.stock_shipped == _quantity(held, HoldState.SHIPPED)

    def _decide(self, request: StockRequest) -> None:
        key = (request.home, request.order_id)
        decision = stock.decide(request, self.reservations.get(key), self.products, at=1)
        self.reservations[key] = decision.reservation
        for product in decision.products:
            assert product.version == self.products[product.product_id].version + 1
            self.products[product.product_id] = product
        self.network.append(decision.reservation.answer(request))

    def _changed(self, before: Order, after: Order) -> None:
        if before.status is not after.status:
            assert (before.status, after.status) in ALLOWED
            assert after.version == before.version + 1
        else:
            assert after.version == before.version
        self.orders[after.order_id] = after
        if after.version > before.version:
            self.network.extend(after.requests())


def _quantity(reservations: list[Reservation], held: HoldState) -> int:
    return sum(item.quantity for r in reservations if r.held is held for item in r.goods)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("place"), st.lists(st.integers(0, 3), min_size=2, max_size=2).filter(any)),
        st.tuples(st.just("deliver"), st.sampled_from(["well", "lost", "doubled"])),
        st.tuples(st.sampled_from(["cancel", "ship"]), st.integers(0, 9)),
        st.tuples(st.just("restock"), st.sampled_from(OWNERS)),
    ),
    max_size=60,
)


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, seed=st.integers(0, 2**16), initial=st.integers(0, 6))
def test_stock_adds_up_at_every_moment_and_orders_and_owners_agree_once_quiet(
    steps: list[tuple[str, object]], seed: int, initial: int
) -> None:
    shop = Shop(chance=random.Random(seed), initial=initial)  # noqa: S311 - a repeatable network, not a secret
    for number, (kind, value) in enumerate(steps):
        match kind, value:
            case "place", list():
                shop.place(number, value)
            case "deliver", str():
                shop.deliver(lose=value == "lost", double=value == "doubled")
            case "restock", str():
                shop.products[value] = shop.products[value].restock(1, at=1)
                shop.restocked[value] += 1
            case _, int() if shop.orders:
                shop.command(kind, list(shop.orders)[value % len(shop.orders)])
        shop.check()
    shop.settle()
    for order in shop.orders.values():
        assert not order.owed
        assert order.status is not OrderStatus.PENDING
        assert order.ask_again_at is None
        for hold in order.holds:
            agreed = shop.reservations[hold.home, order.order_id].held
            assert agreed is hold.held
            expected = {
                OrderStatus.CONFIRMED: {HoldState.RESERVED},
                OrderStatus.SHIPPED: {HoldState.SHIPPED},
                OrderStatus.CANCELLED: {HoldState.RELEASED, HoldState.REFUSED},
                OrderStatus.REJECTED: {HoldState.RELEASED, HoldState.REFUSED},
            }[order.status]
            assert agreed in expected


@given(request=st.sampled_from(list(stock.DesiredHold)), version=st.integers(1, 4), times=st.integers(2, 4))
def test_a_request_heard_again_changes_nothing(request: stock.DesiredHold, version: int, times: int) -> None:
    product = Product.register(product_id="p", name="x", unit_price_cents=1, stock=5, instance="h", at=0)
    asked = StockRequest(
        order_id="o",
        order_version=version,
        instance="order-1",
        home="h",
        wanted=request,
        goods=(stock.LineItem(product_id="p", quantity=2),),
    )
    first = stock.decide(asked, None, {"p": product}, at=1)
    after = {p.product_id: p for p in first.products} or {"p": product}
    reservation = first.reservation
    for _ in range(times):
        again = stock.decide(asked, reservation, after, at=2)
        assert again.products == ()
        assert again.reservation == reservation
        reservation = again.reservation
