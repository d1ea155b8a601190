"""Take in a batch of consumed records: their effects and the position after them, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from order_service.domain.errors import DomainError
from order_service.service_layer.unit_of_work import Needs, Parked, Position, Transaction, UseCase


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A consumed record and the use case it calls for. `source` is `topic/partition`."""

    source: str
    offset: int
    trace: str
    key: bytes | None
    value: bytes | None
    effect: UseCase[None]


@dataclass(frozen=True, slots=True)
class ApplyOnce:
    """In the order of the records. One already taken in (by another process of this instance) has no effect again.

    A record that the rules refuse is parked: it is our own house's message and a person has to look at it.
    """

    batch: Sequence[Incoming]

    def needs(self) -> Needs:
        needs = [incoming.effect.needs() for incoming in self.batch]
        needs.append(Needs(positions=tuple({incoming.source for incoming in self.batch})))
        return Needs(
            **{
                part.name: tuple(key for need in needs for key in getattr(need, part.name))
                for part in fields(Needs)
            }
        )

    def decide(self, tx: Transaction) -> None:
        for incoming in self.batch:
            known = tx.position(incoming.source)
            if known is not None and incoming.offset < known.next_offset:
                continue
            tx.trace = incoming.trace
            try:
                incoming.effect.decide(tx)
            except DomainError as refusal:
                Park(incoming.source, incoming.offset, incoming.key, incoming.value, refusal.detail).decide(
                    tx
                )
            tx.save_position(Position(source=incoming.source, next_offset=incoming.offset + 1))


@dataclass(frozen=True, slots=True)
class Park:
    """Put a record aside that could not be understood."""

    source: str
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str

    def needs(self) -> Needs:
        return Needs()

    def decide(self, tx: Transaction) -> None:
        tx.park(
            Parked(record=f"{self.source}/{self.offset}", key=self.key, value=self.value, reason=self.reason)
        )


@dataclass(frozen=True, slots=True)
class MovePositions:
    """Go on elsewhere, whatever was taken in before: the topic no longer has what the position pointed to."""

    positions: tuple[Position, ...]

    def needs(self) -> Needs:
        return Needs(positions=tuple(position.source for position in self.positions))

    def decide(self, tx: Transaction) -> None:
        for position in self.positions:
            tx.save_position(position)
