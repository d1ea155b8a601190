"""Ask again where an answer is owed: the cure for whatever a message may suffer on its way."""

from dataclasses import dataclass

from order_service.domain.order import Order
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True)
class SendReminders:
    """Send the requests of these orders once more, as far as they are still open."""

    order_ids: tuple[str, ...]

    def needs(self) -> Needs:
        """The orders."""
        return Needs(orders=self.order_ids)

    def decide(self, tx: Transaction) -> None:
        """Ask again for each that is still overdue; others have been answered meanwhile."""
        for order_id in self.order_ids:
            order = tx.get(Order, order_id)
            if order is not None and order.overdue(now=tx.now):
                tx.save(order.ask_again(at=tx.now))
