"""Store how far the relay has come, so that a restart sends again as little as possible."""

from dataclasses import dataclass

from order_service.service_layer.outbox_log import LogPosition, Refused
from order_service.service_layer.unit_of_work import Needs, RelayPosition, SetAside, Transaction


@dataclass(frozen=True, slots=True)
class MarkRelayed:
    """Never goes back: of two relays on one outbox the one further on is believed."""

    relay: str
    position: LogPosition

    def needs(self) -> Needs:
        """The stored position."""
        return Needs(relay_positions=(self.relay,))

    def decide(self, tx: Transaction) -> None:
        """Move the position forward, if it is forward."""
        known = tx.get(RelayPosition, self.relay)
        if known is None or LogPosition(known.xid, known.id) < self.position:
            tx.save(RelayPosition(relay=self.relay, xid=self.position.xid, id=self.position.id))


@dataclass(frozen=True, slots=True)
class SetRecordsAside:
    """Remember records that the relay passes because Kafka refuses them, to send them later."""

    refused: tuple[Refused, ...]

    def needs(self) -> Needs:
        """Those of them that are remembered already."""
        return Needs(set_aside=tuple(_key(each.record.position) for each in self.refused))

    def decide(self, tx: Transaction) -> None:
        """Save every one of them."""
        for each in self.refused:
            at = each.record.position
            tx.save(
                SetAside(record=_key(at), xid=at.xid, id=at.id, topic=each.record.topic, reason=each.reason)
            )


def _key(position: LogPosition) -> str:
    return f"{position.xid}/{position.id}"
