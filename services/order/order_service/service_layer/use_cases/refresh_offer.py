"""Keep the replica of the products up to date: name, price and owner of everything that is sold."""

from dataclasses import dataclass

from order_service.domain.errors import ForeignOfferError
from order_service.domain.product import Offer, Product
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True)
class RefreshOffer:
    """An older version never replaces a newer one, so replay and echo do no harm."""

    offer: Offer

    def needs(self) -> Needs:
        """What is known of the product, here and in the replica."""
        return Needs(offers=(self.offer.product_id,), products=(self.offer.product_id,))

    def decide(self, tx: Transaction) -> None:
        """Save the offer if it is news.

        Raises:
            ForeignOfferError: another instance is the product's owner, or it is this one and never said so.
        """
        offer = self.offer
        known = tx.get(Offer, offer.product_id)
        if known is not None and known.instance != offer.instance:
            raise ForeignOfferError(
                f"{offer.product_id} belongs to {known.instance}, and {offer.instance} speaks of it"
            )
        if offer.instance == tx.instance:
            product = tx.get(Product, offer.product_id)
            if product is None or product.version < offer.version:
                raise ForeignOfferError(
                    f"{tx.instance} has never published version {offer.version} of {offer.product_id}"
                )
            return
        if known is None or known.version < offer.version:
            tx.save(offer)
