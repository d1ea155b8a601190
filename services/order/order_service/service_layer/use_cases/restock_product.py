"""More goods of a product arrived."""

from dataclasses import dataclass

from order_service.domain.errors import UnknownProductError
from order_service.domain.product import Product
from order_service.service_layer.if_match import IfMatch
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RestockProduct:
    """At the product's owner only. Refuses with `UnknownProduct`, `StaleVersion` or `StockLimit`."""

    product_id: str
    quantity: int
    if_match: IfMatch

    def needs(self) -> Needs:
        """What it decides on."""
        return Needs(products=(self.product_id,), offers=(self.product_id,))

    def decide(self, tx: Transaction) -> Product:
        """The product as it is from now on."""
        product = tx.get(Product, self.product_id)
        if product is None:
            raise UnknownProductError(f"no product {self.product_id} at {tx.instance}")
        self.if_match.check(product.version)
        product = product.restock(self.quantity, at=tx.now)
        tx.save(product)
        tx.save(product.offer)
        return product
