"""Cancel an order that is PENDING or CONFIRMED; reserved goods are given back."""

from dataclasses import dataclass

from order_service.domain.errors import UnknownOrderError
from order_service.domain.order import Order
from order_service.service_layer.if_match import IfMatch
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Refuses with `UnknownOrder`, `StaleVersion` or `IllegalTransition`."""

    order_id: str
    if_match: IfMatch

    def needs(self) -> Needs:
        """What it decides on."""
        return Needs(orders=(self.order_id,))

    def decide(self, tx: Transaction) -> Order:
        """The order as it is from now on."""
        order = tx.get(Order, self.order_id)
        if order is None:
            raise UnknownOrderError(f"no order {self.order_id}")
        self.if_match.check(order.version)
        order = order.cancel(at=tx.now)
        tx.save(order)
        return order
