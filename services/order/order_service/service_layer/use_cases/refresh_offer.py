"""Keep the replica of the products up to date: name, price and home of everything the house sells."""

from __future__ import annotations

from dataclasses import dataclass

from order_service.domain.product import Offer
from order_service.service_layer.unit_of_work import Needs, Transaction


@dataclass(frozen=True, slots=True)
class RefreshOffer:
    """An older version never replaces a newer one, so replay and echo do no harm."""

    offer: Offer

    def needs(self) -> Needs:
        return Needs(offers=(self.offer.product_id,))

    def decide(self, tx: Transaction) -> None:
        known = tx.offer(self.offer.product_id)
        if known is None or known.version < self.offer.version:
            tx.save_offer(self.offer)
