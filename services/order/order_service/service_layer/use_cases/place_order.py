"""Place an order at the prices this instance knows, and ask the goods' owners to reserve them."""

from dataclasses import dataclass

from order_service.domain.errors import UnknownProductError
from order_service.domain.order import Order, OrderLine
from order_service.domain.product import Offer
from order_service.domain.stock import LineItem
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOrder:
    """The new order is PENDING. Refuses with `UnknownProduct` or `InvalidOrder`, both naming the line."""

    user_id: str
    goods: tuple[LineItem, ...]

    def needs(self) -> Needs:
        """What it decides on."""
        return Needs(offers=tuple(item.product_id for item in self.goods))

    def decide(self, tx: Transaction) -> Order:
        """The order as it is from now on."""
        lines, owners = [], []
        for index, item in enumerate(self.goods):
            offer = tx.get(Offer, item.product_id)
            if offer is None:
                raise UnknownProductError(
                    f"{tx.instance} knows no product {item.product_id}", pointer=f"/lines/{index}/product_id"
                )
            lines.append(
                OrderLine(
                    product_id=item.product_id,
                    quantity=item.quantity,
                    unit_price_cents=offer.unit_price_cents,
                )
            )
            owners.append(offer.instance)
        order = Order.place(
            order_id=tx.new_order_id(),
            user_id=self.user_id,
            lines=lines,
            owners=owners,
            instance=tx.instance,
            at=tx.now,
        )
        tx.save(order)
        return order
