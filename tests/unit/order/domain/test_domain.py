"""Orders, products and reservations, example by example."""

import pytest

from order_service.domain import stock
from order_service.domain.errors import IllegalTransitionError, InvalidOrderError, StockLimitError
from order_service.domain.order import Order, OrderLine, OrderStatus, StockHold
from order_service.domain.product import MAX_STOCK, Product
from order_service.domain.stock import (
    DesiredHold,
    HoldState,
    LineItem,
    Reservation,
    StockAnswer,
    StockRequest,
)


def product(*, stock_: int = 10) -> Product:
    return Product.register(
        product_id="tea", name="Tea", unit_price_cents=450, stock=stock_, instance="order-1", at=1
    )


def order(*owners: str) -> Order:
    lines = [OrderLine(product_id=f"p{n}", quantity=n + 1, unit_price_cents=100) for n in range(len(owners))]
    return Order.place(
        order_id="order-1-X", user_id="ada", lines=lines, owners=owners, instance="order-1", at=1
    )


def answer(home: str, held: HoldState, *, version: int = 1, reason: str | None = None) -> StockAnswer:
    return StockAnswer(
        order_id="order-1-X", order_version=version, instance="order-1", home=home, held=held, reason=reason
    )


def request(wanted: DesiredHold, *, version: int, quantity: int = 3) -> StockRequest:
    return StockRequest(
        order_id="o",
        order_version=version,
        instance="order-2",
        home="order-1",
        wanted=wanted,
        goods=(LineItem(product_id="tea", quantity=quantity),),
    )


def test_lines_of_one_owner_are_asked_for_together() -> None:
    placed = order("order-1", "order-2", "order-1")
    assert [(r.home, [g.product_id for g in r.goods]) for r in placed.requests()] == [
        ("order-1", ["p0", "p2"]),
        ("order-2", ["p1"]),
    ]
    assert placed.total_cents == 600


def test_an_order_without_lines_is_refused() -> None:
    with pytest.raises(InvalidOrderError):
        order()


def test_a_quantity_below_one_is_refused_by_name() -> None:
    with pytest.raises(InvalidOrderError) as refused:
        Order.place(
            order_id="x",
            user_id="u",
            lines=[OrderLine(product_id="p", quantity=0, unit_price_cents=1)],
            owners=["h"],
            instance="i",
            at=1,
        )
    assert refused.value.pointer == "/lines/0/quantity"


def test_the_last_yes_confirms() -> None:
    half = order("order-1", "order-2").answered(answer("order-1", HoldState.RESERVED), at=2)
    assert (half.status, half.version) == (OrderStatus.PENDING, 1)
    whole = half.answered(answer("order-2", HoldState.RESERVED), at=3)
    assert (whole.status, whole.version, whole.requests()) == (OrderStatus.CONFIRMED, 2, ())


def test_one_no_rejects_with_its_reason_and_releases_the_others() -> None:
    half = order("order-1", "order-2").answered(answer("order-1", HoldState.RESERVED), at=2)
    rejected = half.answered(answer("order-2", HoldState.REFUSED, reason="out of stock: p1"), at=3)
    assert (rejected.status, rejected.reason) == (OrderStatus.REJECTED, "out of stock: p1")
    assert [(r.home, r.wanted, r.order_version) for r in rejected.requests()] == [
        ("order-1", DesiredHold.RELEASED, 2)
    ]


def test_a_cancelled_order_releases_also_where_no_answer_has_come_yet() -> None:
    cancelled = order("order-1").cancel(at=2)
    assert [r.wanted for r in cancelled.requests()] == [DesiredHold.RELEASED]


def test_a_yes_that_comes_after_the_cancellation_confirms_nothing() -> None:
    late = order("order-1").cancel(at=2).answered(answer("order-1", HoldState.RESERVED), at=3)
    assert (late.status, late.version) == (OrderStatus.CANCELLED, 2)
    assert late.owed


def test_an_answer_overtaken_by_a_later_one_is_dropped() -> None:
    released = order("order-1").cancel(at=2).answered(answer("order-1", HoldState.RELEASED, version=2), at=3)
    assert released.answered(answer("order-1", HoldState.RESERVED, version=1), at=4) == released
    assert released.holds == (
        StockHold(home="order-1", product_ids=("p0",), held=HoldState.RELEASED, answered_version=2),
    )


@pytest.mark.parametrize("status", [OrderStatus.REJECTED, OrderStatus.SHIPPED, OrderStatus.CANCELLED])
def test_a_finished_order_is_neither_cancelled_nor_shipped(status: OrderStatus) -> None:
    confirmed = order("order-1").answered(answer("order-1", HoldState.RESERVED), at=2)
    finished = {
        OrderStatus.REJECTED: order("order-1").answered(answer("order-1", HoldState.REFUSED), at=2),
        OrderStatus.SHIPPED: confirmed.ship(at=3),
        OrderStatus.CANCELLED: confirmed.cancel(at=3),
    }[status]
    assert finished.status is status
    with pytest.raises(IllegalTransitionError):
        finished.cancel(at=4)
    with pytest.raises(IllegalTransitionError):
        finished.ship(at=4)


def test_a_pending_order_is_not_shipped() -> None:
    with pytest.raises(IllegalTransitionError):
        order("order-1").ship(at=2)


def test_the_pause_before_asking_again_doubles_up_to_about_ten_minutes() -> None:
    asked = order("order-1")
    pauses = []
    for _ in range(10):
        asked = asked.ask_again(at=0)
        pauses.append(asked.ask_again_at)
    assert pauses == [10_000, 20_000, 40_000, 80_000, 160_000, 320_000, 640_000, 640_000, 640_000, 640_000]


def test_a_settled_order_asks_no_more() -> None:
    assert order("order-1").answered(answer("order-1", HoldState.RESERVED), at=2).ask_again_at is None


def test_reserving_moves_goods_and_keeps_their_sum() -> None:
    reserved = product().reserve(4, at=2)
    assert (reserved.stock_available, reserved.stock_reserved, reserved.stock_received) == (6, 4, 10)
    assert reserved.ship(4, at=3).stock_shipped == 4
    assert reserved.release(4, at=3).stock_available == 10


def test_more_than_there_is_cannot_be_reserved_even_by_mistake() -> None:
    with pytest.raises(AssertionError, match="does not add up"):
        product().reserve(11, at=2)


def test_a_stock_beyond_int32_is_refused() -> None:
    with pytest.raises(StockLimitError):
        product(stock_=MAX_STOCK).restock(1, at=2)


def test_too_little_stock_refuses_the_whole_request_by_name() -> None:
    decision = stock.decide(
        request(DesiredHold.RESERVED, version=1, quantity=11), None, {"tea": product()}, at=2
    )
    assert (decision.reservation.held, decision.reservation.reason) == (
        HoldState.REFUSED,
        "out of stock: tea",
    )
    assert decision.products == ()


def test_a_release_that_overtook_its_reservation_makes_the_late_one_reserve_nothing() -> None:
    first = stock.decide(request(DesiredHold.RELEASED, version=2), None, {"tea": product()}, at=2)
    late = stock.decide(request(DesiredHold.RESERVED, version=1), first.reservation, {"tea": product()}, at=3)
    assert (first.reservation.held, late.reservation.held, late.products) == (
        HoldState.RELEASED,
        HoldState.RELEASED,
        (),
    )


def test_a_refusal_stays_one_when_stock_comes_back() -> None:
    refused = stock.decide(
        request(DesiredHold.RESERVED, version=1, quantity=11), None, {"tea": product()}, at=2
    )
    again = stock.decide(
        request(DesiredHold.RESERVED, version=1, quantity=11),
        refused.reservation,
        {"tea": product(stock_=100)},
        at=3,
    )
    assert again.reservation.held is HoldState.REFUSED


def test_shipping_what_was_never_reserved_is_refused() -> None:
    decision = stock.decide(request(DesiredHold.SHIPPED, version=3), None, {"tea": product()}, at=2)
    assert isinstance(decision.reservation, Reservation)
    assert (decision.reservation.held, decision.products) == (HoldState.REFUSED, ())
