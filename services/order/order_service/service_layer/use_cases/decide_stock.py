"""At a product's home: an order asks for its goods to be reserved, released or shipped."""

from __future__ import annotations

from dataclasses import dataclass

from order_service.domain import stock
from order_service.domain.stock import HoldState, StockRequest
from order_service.service_layer.unit_of_work import Needs, Transaction

EVENTS = {
    HoldState.RESERVED: "product.stock-reserved",
    HoldState.RELEASED: "product.stock-released",
    HoldState.SHIPPED: "product.stock-shipped",
}


@dataclass(frozen=True, slots=True)
class DecideStock:
    """Answers always, also when the request is no news: the answer before may be the one that was lost."""

    request: StockRequest

    def needs(self) -> Needs:
        return Needs(
            reservations=(self.request.order_id,),
            products=tuple(item.product_id for item in self.request.goods),
        )

    def decide(self, tx: Transaction) -> None:
        request = self.request
        products = {
            product.product_id: product for item in request.goods if (product := tx.product(item.product_id))
        }
        decision = stock.decide(request, tx.reservation(request.order_id), products, at=tx.now)
        tx.save_reservation(decision.reservation)
        for product in decision.products:
            tx.save_product(product, EVENTS[decision.reservation.held])
        tx.send(decision.reservation.answer(request))
