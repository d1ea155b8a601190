"""The state that one commit works on, in memory: what was loaded, what its use cases changed, what they publish."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import Dialect

from order_service.adapters import bulk, tables
from order_service.adapters.bulk import Rows, Statement
from order_service.adapters.entities import (
    ANSWERS,
    CLAIMS,
    ENTITIES,
    OFFERS,
    ORDERS,
    PARKED,
    POSITIONS,
    PRODUCTS,
    RELAY_POSITIONS,
    RESERVATIONS,
    Entity,
)
from order_service.adapters.serialization import OutboxRecord, RecordMaker
from order_service.domain.order import Order
from order_service.domain.product import Offer, Product
from order_service.domain.stock import Reservation, StockAnswer, StockRequest
from order_service.service_layer.unit_of_work import (
    Answer,
    NameReservation,
    Needs,
    Parked,
    Position,
    RelayPosition,
    UseCase,
)

V = TypeVar("V")
T = TypeVar("T")
IdentityMap = dict[Entity[Any], dict[str, Any]]


@dataclass(slots=True, kw_only=True)
class UnitOfWork:
    """Implements `commands.transaction.Transaction`, for one use case after the other."""

    dialect: Dialect
    records: RecordMaker
    new_id: Callable[[], str]
    now: int
    trace: str = ""
    outbox: list[OutboxRecord] = field(default_factory=list)
    _read: list[Entity[Any]] = field(default_factory=list)
    _stored: IdentityMap = field(default_factory=lambda: defaultdict(dict))
    _decided: IdentityMap = field(default_factory=lambda: defaultdict(dict))
    _saved: IdentityMap = field(default_factory=lambda: defaultdict(dict))
    _published: list[OutboxRecord] = field(default_factory=list)

    @property
    def instance(self) -> str:
        return self.records.instance

    def reads(self, needs: Iterable[Needs]) -> list[Statement]:
        """They find and lock all that the use cases need: one statement per table."""
        keys: dict[Entity[Any], set[str]] = defaultdict(set)
        for need in needs:
            for entity, wanted in _WANTED:
                if found := wanted(need):
                    keys[entity].update(found)
        self._read = [entity for entity in ENTITIES if keys[entity]]
        return [
            bulk.select(self.dialect, entity.table, keys[entity], key=entity.key) for entity in self._read
        ]

    def take(self, found: Sequence[Rows]) -> None:
        """What the `reads` have found."""
        for entity, rows in zip(self._read, found, strict=True):
            values = map(entity.value, bulk.decoded(self.dialect, entity.table, rows))
            self._stored[entity] = {entity.key_of(value): value for value in values}

    def attempt(self, use_case: UseCase[T], *, trace: str) -> T:
        """Let one use case decide. What it saved becomes part of the commit, unless it raises."""
        self.trace = trace
        self._saved.clear()
        self._published.clear()
        result = use_case.decide(self)
        for entity, values in self._saved.items():
            self._decided[entity].update(values)
        self.outbox.extend(self._published)
        return result

    def changes(self) -> Iterator[Statement]:
        """Changed rows, new rows, outbox: a statement each."""
        for entity in ENTITIES:
            decided, stored = self._decided.get(entity), self._stored.get(entity, {})
            if not decided:
                continue
            keys = sorted(decided)
            new = [entity.values(decided[key]) for key in keys if key not in stored]
            changed = [entity.values(decided[key]) for key in keys if key in stored]
            if new:
                yield from bulk.insert(self.dialect, entity.table, new)
            if changed:
                yield from bulk.overwrite(self.dialect, entity.table, changed, key=entity.key)
        if self.outbox:
            rows = [
                {
                    "topic": record.topic,
                    "key": record.key,
                    "value": record.value,
                    "headers": record.headers_json(),
                }
                for record in self.outbox
            ]
            yield from bulk.insert(self.dialect, tables.outbox, rows)

    def _get(self, entity: Entity[V], key: str) -> V | None:
        for shelf in (self._saved, self._decided, self._stored):
            found: V | None = shelf[entity].get(key)
            if found is not None:
                return found
        return None

    def _save(self, entity: Entity[V], value: V) -> None:
        self._saved[entity][entity.key_of(value)] = value

    def new_order_id(self) -> str:
        return f"{self.instance}-{self.new_id()}"

    def order(self, order_id: str) -> Order | None:
        return self._get(ORDERS, order_id)

    def product(self, product_id: str) -> Product | None:
        return self._get(PRODUCTS, product_id)

    def offer(self, product_id: str) -> Offer | None:
        return self._get(OFFERS, product_id)

    def reservation(self, order_id: str) -> Reservation | None:
        return self._get(RESERVATIONS, order_id)

    def answer(self, key: str) -> Answer | None:
        return self._get(ANSWERS, key)

    def claim(self, name: str) -> NameReservation | None:
        return self._get(CLAIMS, name)

    def position(self, source: str) -> Position | None:
        return self._get(POSITIONS, source)

    def relay_position(self, relay: str) -> RelayPosition | None:
        return self._get(RELAY_POSITIONS, relay)

    def save_order(self, order: Order, event: str | None = None) -> None:
        self._save(ORDERS, order)
        if event is not None:
            self._published.append(self.records.order(order, event, at=self.now, trace=self.trace))

    def save_product(self, product: Product, event: str) -> None:
        self._save(PRODUCTS, product)
        self._published.append(self.records.product(product, event, at=self.now, trace=self.trace))
        self.save_offer(
            Offer(
                product_id=product.product_id,
                name=product.name,
                unit_price_cents=product.unit_price_cents,
                instance=product.instance,
                version=product.version,
            )
        )

    def save_offer(self, offer: Offer) -> None:
        self._save(OFFERS, offer)

    def save_reservation(self, reservation: Reservation) -> None:
        self._save(RESERVATIONS, reservation)

    def save_answer(self, answer: Answer) -> None:
        self._save(ANSWERS, answer)

    def save_claim(self, claim: NameReservation) -> None:
        self._save(CLAIMS, claim)

    def save_position(self, position: Position) -> None:
        self._save(POSITIONS, position)

    def save_relay_position(self, position: RelayPosition) -> None:
        self._save(RELAY_POSITIONS, position)

    def park(self, parked: Parked) -> None:
        self._save(PARKED, parked)

    def send(self, message: StockRequest | StockAnswer) -> None:
        records, at, trace = self.records, self.now, self.trace
        self._published.append(
            records.stock_request(message, at=at, trace=trace)
            if isinstance(message, StockRequest)
            else records.stock_answer(message, at=at, trace=trace)
        )


_WANTED: tuple[tuple[Entity[Any], Callable[[Needs], tuple[str, ...]]], ...] = (
    (ORDERS, attrgetter("orders")),
    (PRODUCTS, attrgetter("products")),
    (OFFERS, attrgetter("offers")),
    (OFFERS, attrgetter("products")),  # a product's home keeps its own offer up to date
    (RESERVATIONS, attrgetter("reservations")),
    (ANSWERS, attrgetter("answers")),
    (CLAIMS, attrgetter("claims")),
    (POSITIONS, attrgetter("positions")),
    (RELAY_POSITIONS, attrgetter("relay_positions")),
)
