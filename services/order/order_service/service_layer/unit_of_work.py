"""What a use case sees of its transaction, and the port to the database that keeps the promise.

A use case is a value with two methods. `needs` names the aggregates it decides on; `decide` looks at them and says what
changes. All that one `decide` saved is committed together - state, events, messages, outcome, consumed position - or,
when it raises, nothing of it. Many use cases may share one commit; none sees another half done.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, Protocol, Self, TypeVar

from order_service.domain.errors import UnreadableStateError
from order_service.domain.order import Order
from order_service.domain.product import Offer, Product
from order_service.domain.stock import Reservation, StockAnswer, StockRequest

T = TypeVar("T")
V = TypeVar("V")
T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredOutcome:
    """What a command with an Idempotency-Key made of its aggregate. `fingerprint` tells its request from others."""

    key: str
    fingerprint: str
    aggregate: Order | Product
    stored_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NameReservation:
    """A name that must be unique in the whole system and the instance that reserved it first, for which request.

    With a `fingerprint` the name is an Idempotency-Key, and the reservation lapses.
    """

    name: str
    instance: str
    fingerprint: str
    claimed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """`topic/partition` and the offset of the next record to apply. `topic_id` tells a recreated topic from the old one."""

    source: str
    next_offset: int
    topic_id: str | None = None

    def covers(self, offset: int, topic_id: str | None) -> bool:
        """The record was applied: it lies before the position, and in the topic that the position is about."""
        recreated = self.topic_id is not None and topic_id is not None and self.topic_id != topic_id
        return not recreated and offset < self.next_offset


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A consumed record (`topic/partition/offset`) that could not be applied, as it came, and why."""

    record: str
    key: bytes | None
    value: bytes | None
    headers: str | None
    """A JSON array of [name, value]; what is not UTF-8 is written with backslashes."""
    reason: str
    recorded_at: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPosition:
    """Up to where the outbox is known to be in Kafka; ordered by (`xid`, `id`)."""

    relay: str
    xid: int
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAside:
    """A record of the outbox that Kafka refuses for now and the relay has passed. `record` is `xid/id`."""

    record: str
    xid: int
    id: int
    topic: str
    reason: str


class Needs(NamedTuple):
    """Keys of what a use case decides on. What is saved but not new must be among them."""

    orders: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    reservations: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    relay_positions: tuple[str, ...] = ()
    set_aside: tuple[str, ...] = ()

    @classmethod
    def of_all(cls, needs: Iterable[Self]) -> Self:
        """The union, without repetitions."""
        return cls(*(tuple(dict.fromkeys(chain.from_iterable(keys))) for keys in zip(*needs, strict=True)))


@dataclass(frozen=True, slots=True)
class Entity:
    """A kind of value that is stored: `key` is the attribute that finds it, `needs` its field in `Needs`.

    Without `needs` it is never loaded, and written over what is there.
    """

    type: type[Any]
    key: str
    needs: str | None


# The order of locking and writing, the same in every transaction: two processes on one database cannot deadlock.
ENTITIES: tuple[Entity, ...] = (
    Entity(Position, "source", "positions"),
    Entity(RelayPosition, "relay", "relay_positions"),
    Entity(SetAside, "record", "set_aside"),
    Entity(NameReservation, "name", "names"),
    Entity(StoredOutcome, "key", "outcomes"),
    Entity(Order, "order_id", "orders"),
    Entity(Reservation, "order_id", "reservations"),
    Entity(Product, "product_id", "products"),
    Entity(Offer, "product_id", "offers"),
    Entity(DeadLetter, "record", None),
)
KEYS: dict[type[Any], str] = {entity.type: entity.key for entity in ENTITIES}


@dataclass(frozen=True, slots=True)
class Unreadable:
    """In place of a value: its row holds none."""

    error: UnreadableStateError


RECOVERABLE = frozenset({Position, RelayPosition, SetAside})
"""Kinds that come again from elsewhere: without its row records are read or sent again, which does no harm."""

IdentityMap = dict[type[Any], dict[str, Any]]
"""Values, or `Unreadable`, by type and key."""


class Publication(NamedTuple):
    """What is to be published: a message, or an aggregate's state with the bare type of its `event`."""

    subject: Order | Product | StockRequest | StockAnswer
    event: str | None
    at: int
    trace: str


@dataclass(slots=True)
class Changes:
    """What a transaction writes: rows that were not there, rows that were, and the outbox in order."""

    new: dict[type[Any], list[Any]] = field(default_factory=dict)
    changed: dict[type[Any], list[Any]] = field(default_factory=dict)
    publications: Sequence[Publication] = ()


class Storage(Protocol):
    """The database, as the service layer sees it."""

    async def transact(self, needs: Needs, decide: Callable[[IdentityMap], tuple[T, Changes]]) -> T:
        """Run one transaction and return `decide`'s first result once it is durable; one transaction at a time.

        `decide` gets what `needs` names, as far as it exists, locked until the end; it runs in the event loop and must
        not wait. Cancelled, the transaction may still commit.

        Raises:
            StorageUnavailableError: it is unknown whether the transaction took place.
            WriteConflictError: another process wrote the same row first.
            WriteRefusedError: the database will not store these values.
        """


class Transaction(Protocol):
    """Reads give the state with everything already decided in this commit; saves belong to this use case alone."""

    trace: str
    """The W3C traceparent that events and messages saved from here on carry."""

    @property
    def instance(self) -> str:
        """The name of this instance."""

    @property
    def now(self) -> int:
        """Milliseconds since 1970, UTC; the same throughout the commit."""

    def new_order_id(self) -> str:
        """An id that no other order has, with this instance's name in front."""

    def get(self, kind: type[V], key: str) -> V | None:
        """The value of that kind and key, if there is one. It must have been named in `Needs`.

        Raises `UnreadableStateError` when its row holds none, unless what stood there is `RECOVERABLE`.
        """

    def save(self, value: Any) -> None:
        """Store the value, and publish the events and messages that it recorded."""

    def send(self, message: StockRequest | StockAnswer) -> None:
        """Publish a message to the inbox of the instance it is addressed to."""

    def savepoint(self) -> AbstractContextManager[None]:
        """What is saved and sent within is dropped when it ends with an exception, which is passed on."""


class UseCase(Protocol[T_co]):
    """See the module. `decide` must not wait and may be run again on fresh state."""

    def needs(self) -> Needs:
        """What it decides on."""

    def decide(self, tx: Transaction) -> T_co:
        """Look at the state, save what changes, return the result. Raises `DomainError` when the rules say no."""
