"""Reserve a name that must be unique in the whole system. Asked at the one instance that its hash picks."""

from dataclasses import dataclass

from order_service.domain.errors import KeyReusedError
from order_service.service_layer.idempotency import KEPT_MS
from order_service.service_layer.unit_of_work import NameReservation, Needs, Transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class ReserveName:
    """The first `instance` to ask has the name, and every later one gets that answer.

    With a `fingerprint` the name is an Idempotency-Key: it lapses with the answers kept for it, and another fingerprint
    is refused with `KeyReusedError`.
    """

    name: str
    instance: str
    fingerprint: str

    def needs(self) -> Needs:
        """The reservation, if there is one."""
        return Needs(names=(self.name,))

    def decide(self, tx: Transaction) -> NameReservation:
        """The reservation that holds from now on."""
        known = tx.get(NameReservation, self.name)
        lapsed = known is not None and known.fingerprint and known.claimed_at <= tx.now - KEPT_MS
        if known is not None and not lapsed:
            if known.fingerprint != self.fingerprint:
                raise KeyReusedError("the Idempotency-Key was used with another body")
            return known
        reservation = NameReservation(
            name=self.name, instance=self.instance, fingerprint=self.fingerprint, claimed_at=tx.now
        )
        tx.save(reservation)
        return reservation
