"""What a use case sees of its transaction.

A use case is a value with two methods. `needs` names the aggregates it decides on; `decide` looks at them and says what
changes. All that one `decide` saved is committed together - state, events, messages, answer, consumed position - or,
when it raises, nothing of it. Many use cases may share one commit; none sees another half done.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeVar

from order_service.domain.order import Order
from order_service.domain.product import Offer, Product
from order_service.domain.stock import Reservation, StockAnswer, StockRequest

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer to a command with an Idempotency-Key, to be given again. `fingerprint` tells its request from others."""

    key: str
    fingerprint: str
    status: int
    headers: dict[str, str]
    body: bytes
    answered_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NameReservation:
    """A name that must be unique in the whole house and the instance that claimed it first, for which request."""

    name: str
    instance: str
    fingerprint: str
    claimed_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """`topic/partition` and the offset to go on with."""

    source: str
    next_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parked:
    """A consumed record (`topic/partition/offset`) that could not be understood."""

    record: str
    key: bytes | None
    value: bytes | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayPosition:
    """Up to where the outbox is known to be in Kafka; ordered by (`xid`, `id`)."""

    relay: str
    xid: int
    id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """Keys of what a use case decides on. What is saved but not new must be among them."""

    orders: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    reservations: tuple[str, ...] = ()
    answers: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    positions: tuple[str, ...] = ()
    relay_positions: tuple[str, ...] = ()


class Transaction(Protocol):
    """Reads give the state with everything already decided in this commit; saves belong to this use case alone."""

    @property
    def instance(self) -> str: ...

    @property
    def now(self) -> int:
        """Milliseconds since 1970, UTC."""

    trace: str
    """The W3C traceparent that events and messages saved from here on carry."""

    def new_order_id(self) -> str: ...

    def order(self, order_id: str) -> Order | None: ...
    def product(self, product_id: str) -> Product | None: ...
    def offer(self, product_id: str) -> Offer | None: ...
    def reservation(self, order_id: str) -> Reservation | None: ...
    def answer(self, key: str) -> Answer | None: ...
    def claim(self, name: str) -> NameReservation | None: ...
    def position(self, source: str) -> Position | None: ...
    def relay_position(self, relay: str) -> RelayPosition | None: ...

    def save_order(self, order: Order, event: str | None = None) -> None:
        """With `event`, it is published; without, only what the event does not carry has changed."""

    def save_product(self, product: Product, event: str) -> None: ...
    def save_offer(self, offer: Offer) -> None: ...
    def save_reservation(self, reservation: Reservation) -> None: ...
    def save_answer(self, answer: Answer) -> None: ...
    def save_claim(self, claim: NameReservation) -> None: ...
    def save_position(self, position: Position) -> None: ...
    def save_relay_position(self, position: RelayPosition) -> None: ...
    def park(self, parked: Parked) -> None: ...
    def send(self, message: StockRequest | StockAnswer) -> None:
        """To the inbox of the instance it is addressed to."""


class UseCase(Protocol[T_co]):
    """See the module. `decide` must not wait and may be run again on fresh state."""

    def needs(self) -> Needs: ...

    def decide(self, tx: Transaction) -> T_co: ...
