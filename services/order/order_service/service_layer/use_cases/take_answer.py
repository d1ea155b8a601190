"""At an order's home: the home of some of its goods says what became of them."""

from __future__ import annotations

from dataclasses import dataclass

from order_service.domain.errors import UnknownOrderError
from order_service.domain.order import OrderStatus
from order_service.domain.stock import StockAnswer
from order_service.service_layer.unit_of_work import Needs, Transaction

EVENTS = {OrderStatus.CONFIRMED: "order.confirmed", OrderStatus.REJECTED: "order.rejected"}


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """Confirms or rejects a pending order; after a reject, what other homes reserved is to be released."""

    answer: StockAnswer

    def needs(self) -> Needs:
        return Needs(orders=(self.answer.order_id,))

    def decide(self, tx: Transaction) -> None:
        before = tx.order(self.answer.order_id)
        if before is None:
            raise UnknownOrderError(f"an answer for {self.answer.order_id}, which is not here")
        order = before.answered(self.answer, at=tx.now)
        if order == before:
            return
        if order.version == before.version:
            tx.save_order(order)
            return
        tx.save_order(order, EVENTS[order.status])
        for request in order.requests():
            tx.send(request)
