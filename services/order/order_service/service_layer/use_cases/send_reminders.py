"""Ask again where an answer is owed: the cure for whatever a message may suffer on its way."""

from dataclasses import dataclass

import structlog

from order_service.domain.errors import DomainError
from order_service.domain.order import Order
from order_service.service_layer.unit_of_work import Needs, Transaction

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SendReminders:
    """Send the requests of these orders once more, as far as they are still open."""

    order_ids: tuple[str, ...]

    def needs(self) -> Needs:
        """The orders."""
        return Needs(orders=self.order_ids)

    def decide(self, tx: Transaction) -> frozenset[str]:
        """Ask again for each that is still overdue; others have been answered meanwhile.

        The ids of those that cannot be asked for: what is stored of them is no order, or not a whole one.
        """
        failed = set()
        for order_id in self.order_ids:
            try:
                with tx.savepoint():
                    order = tx.get(Order, order_id)
                    if order is None:
                        failed.add(order_id)  # the id cannot even be asked for
                    elif order.overdue(now=tx.now):
                        tx.save(order.ask_again(at=tx.now))
            except DomainError as error:
                log.warning("reminder.failed", order_id=order_id, error=error.detail)
                failed.add(order_id)
            except MemoryError:
                raise  # the process is short of it, which says nothing of the order
            except Exception:  # whatever a hand has made of one must not keep the others waiting
                log.exception("reminder.failed", order_id=order_id)
                failed.add(order_id)
        return frozenset(failed)
