"""At an order's owner: the owner of some of its goods says what became of them."""

from dataclasses import dataclass

from order_service.domain.errors import UnknownOrderError
from order_service.domain.order import Order
from order_service.domain.stock import StockAnswer
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True)
class TakeAnswer:
    """Confirms or rejects a pending order; after a reject, what other owners reserved is to be released."""

    answer: StockAnswer

    def needs(self) -> Needs:
        """The order."""
        return Needs(orders=(self.answer.order_id,))

    def decide(self, tx: Transaction) -> None:
        """Save what the answer changes. Raises `UnknownOrderError` or `InvalidAnswerError`."""
        before = tx.get(Order, self.answer.order_id)
        if before is None:
            raise UnknownOrderError(f"an answer for {self.answer.order_id}, which is not here")
        order = before.answered(self.answer, at=tx.now)
        if order is not before:
            tx.save(order)
