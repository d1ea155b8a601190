"""At a product's owner: an order asks for its goods to be reserved, released or shipped."""

from dataclasses import dataclass

from order_service.domain import stock
from order_service.domain.product import Product
from order_service.domain.stock import Reservation, StockRequest
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True)
class DecideStock:
    """Answers always, also when the request is no news: the answer before may be the one that was lost."""

    request: StockRequest

    def needs(self) -> Needs:
        """The order's reservation here and the products it asks for."""
        products = tuple(item.product_id for item in self.request.goods)
        return Needs(reservations=(self.request.order_id,), products=products, offers=products)

    def decide(self, tx: Transaction) -> None:
        """Reserve, release or ship all of the goods or none, and answer."""
        request = self.request
        reservation = tx.get(Reservation, request.order_id)
        products = {
            product.product_id: product
            for item in request.goods
            if (product := tx.get(Product, item.product_id)) is not None
        }
        decision = stock.decide(request, reservation, products, at=tx.now)
        tx.save(decision.reservation)
        for product in decision.products:
            tx.save(product)
            tx.save(product.offer)
        tx.send(decision.reservation.answer(request))
