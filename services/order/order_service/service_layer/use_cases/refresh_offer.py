"""Keep the replica of the products up to date: name, price and owner of everything that is sold."""

from dataclasses import dataclass

from order_service.domain.errors import ForeignOfferError, UnreadableStateError
from order_service.domain.product import Offer, Product
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True)
class RefreshOffer:
    """An older version never replaces a newer one, so replay and echo do no harm.

    An offer that is none is made again: the owner's own from its product, another's from what it says.
    """

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
        try:
            known, is_unreadable = tx.get(Offer, offer.product_id), False
        except UnreadableStateError:
            product = tx.get(Product, offer.product_id)
            known, is_unreadable = product.offer if product else None, True
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
            if is_unreadable:
                tx.save(product.offer)
            return
        if known is None or known.version < offer.version:
            tx.save(offer)
