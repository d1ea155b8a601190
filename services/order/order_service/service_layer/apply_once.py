"""Apply a batch of consumed records: their effects and the positions after them, in one transaction."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Self

import structlog

from order_service.domain.errors import DomainError
from order_service.service_layer.unit_of_work import DeadLetter, Needs, Position, Transaction, UseCase

log = structlog.get_logger()

MOST_REASON = 1_000
"""Characters of a dead letter's reason; a record's own text may stand in it."""


class Incoming(NamedTuple):
    """A consumed record and the use case it calls for. `source` is `topic/partition`."""

    source: str
    offset: int
    trace: str
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]]
    """What is no UTF-8 in a name stands there as lone surrogates."""
    effect: UseCase[None]
    topic_id: str | None = None

    @property
    def record(self) -> str:
        """Its place in Kafka: `topic/partition/offset`."""
        return f"{self.source}/{self.offset}"

    def refused(self, reason: str) -> Self:
        """The same record, to be put among the dead letters instead."""
        return self._replace(effect=RecordDeadLetter(self, reason[:MOST_REASON]))


@dataclass(frozen=True, slots=True)
class RecordDeadLetter:
    """Put a record among the dead letters."""

    incoming: Incoming
    reason: str

    def needs(self) -> Needs:
        """Nothing that has to be known before: a dead letter is written at most once, with its position."""
        return Needs()

    def decide(self, tx: Transaction) -> None:
        """Save the dead letter, its reason in characters that every database can hold."""
        incoming = self.incoming
        tx.save(
            DeadLetter(
                record=incoming.record,
                key=incoming.key,
                value=incoming.value,
                headers=_described(incoming.headers),
                reason=printable(self.reason)[:MOST_REASON],
                recorded_at=tx.now,
            )
        )


def _described(headers: Sequence[tuple[str, bytes | None]]) -> str:
    """A JSON array of [name, value] for a person to read; what is not UTF-8 is written with backslashes."""
    return json.dumps(
        [
            (
                name.encode(errors="surrogateescape").decode(errors="backslashreplace"),
                None if value is None else value.decode(errors="backslashreplace"),
            )
            for name, value in headers
        ]
    )


def printable(text: str) -> str:
    """The text with escapes for NUL, control characters and lone surrogates, which not every column can hold."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text
    )


@dataclass(frozen=True, slots=True)
class ApplyOnce:
    """In the order of the records. One already applied (by another process of this instance) has no effect again.

    A record that the rules refuse, or whose effect is a defect, becomes a dead letter; its neighbours take effect.
    """

    batch: Sequence[Incoming]

    def needs(self) -> Needs:
        """Everything that the effects need, and the positions of their partitions."""
        every = [incoming.effect.needs() for incoming in self.batch]
        every.append(Needs(positions=tuple({incoming.source for incoming in self.batch})))
        return Needs.of_all(every)

    def decide(self, tx: Transaction) -> tuple[RecordDeadLetter, ...]:
        """The dead letters among the records."""
        dead_letters = []
        reached: dict[str, Position] = {}
        for incoming in self.batch:
            known = reached.get(incoming.source) or tx.get(Position, incoming.source)
            if known is not None and known.covers(incoming.offset, incoming.topic_id):
                continue
            if dead_letter := _apply(incoming, tx):
                dead_letters.append(dead_letter)
            reached[incoming.source] = Position(
                source=incoming.source, next_offset=incoming.offset + 1, topic_id=incoming.topic_id
            )
        for position in reached.values():
            tx.save(position)
        return tuple(dead_letters)


def _apply(incoming: Incoming, tx: Transaction) -> RecordDeadLetter | None:
    tx.trace = incoming.trace
    if isinstance(incoming.effect, RecordDeadLetter):
        incoming.effect.decide(tx)
        return incoming.effect
    try:
        with tx.savepoint():
            incoming.effect.decide(tx)
    except DomainError as refusal:
        dead_letter = RecordDeadLetter(incoming, refusal.detail)
    except MemoryError:
        raise  # the process is short of it, which says nothing of the message
    except Exception as defect:  # whatever a message makes of the code must not stop those behind it
        log.exception("effect.failed", record=incoming.record)
        dead_letter = RecordDeadLetter(incoming, repr(defect))
    else:
        return None
    dead_letter.decide(tx)
    return dead_letter


@dataclass(frozen=True, slots=True)
class MovePositions:
    """Go on elsewhere, whatever was applied before: the topic no longer has what the position pointed to."""

    positions: tuple[Position, ...]

    def needs(self) -> Needs:
        """The stored positions."""
        return Needs(positions=tuple(position.source for position in self.positions))

    def decide(self, tx: Transaction) -> None:
        """Replace them."""
        for position in self.positions:
            tx.save(position)
