"""Note how far the relay has come, so that a restart sends again as little as possible."""

from __future__ import annotations

from dataclasses import dataclass

from order_service.adapters.outbox_reader import LogPosition
from order_service.service_layer.unit_of_work import Needs, RelayPosition, Transaction


@dataclass(frozen=True, slots=True)
class MarkRelayed:
    """Never goes back: of two relays on one outbox the one further on is believed."""

    relay: str
    position: LogPosition

    def needs(self) -> Needs:
        return Needs(relay_positions=(self.relay,))

    def decide(self, tx: Transaction) -> None:
        known = tx.relay_position(self.relay)
        if known is None or LogPosition(known.xid, known.id) < self.position:
            tx.save_relay_position(
                RelayPosition(relay=self.relay, xid=self.position.xid, id=self.position.id)
            )
