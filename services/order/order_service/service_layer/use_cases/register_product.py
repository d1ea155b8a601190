"""Register a product; the instance that does it becomes the product's owner."""

from dataclasses import dataclass

from order_service.domain.errors import ProductExistsError
from order_service.domain.product import Offer, Product
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisterProduct:
    """Refuses with `ProductExists` when any instance is known to have registered the id."""

    product_id: str
    name: str
    unit_price_cents: int
    stock: int

    def needs(self) -> Needs:
        """What it decides on."""
        return Needs(products=(self.product_id,), offers=(self.product_id,))

    def decide(self, tx: Transaction) -> Product:
        """The product as it is from now on."""
        known = tx.get(Offer, self.product_id)
        if known is not None:
            raise ProductExistsError(
                f"{self.product_id} is registered at {known.instance}", pointer="/product_id"
            )
        product = Product.register(
            product_id=self.product_id,
            name=self.name,
            unit_price_cents=self.unit_price_cents,
            stock=self.stock,
            instance=tx.instance,
            at=tx.now,
        )
        tx.save(product)
        tx.save(product.offer)
        return product
