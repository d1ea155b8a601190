"""A small, wholly consistent system as the auditor's facts: what every side holds after a few orders went their way."""

import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from auditor.observations import (
    OFFER_FIELDS,
    Command,
    Counted,
    Event,
    Fact,
    History,
    Log,
    Progress,
    Projection,
    Record,
    Replica,
    State,
    canonical,
)
from auditor.target import Target

INSTANCES = ("order-1", "order-2", "order-3")
PARTITIONS = 2
TARGET = Target(write_databases=dict.fromkeys(INSTANCES, ""), read_dsn="", bootstrap="")
_KEY = {"orders": "order_id", "products": "product_id"}


@dataclass(slots=True)
class StackFacts:
    """`commit` is the order service, `facts` is what everybody holds once it has all arrived."""

    rows: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    commands: list[Command] = field(default_factory=list)
    sequences: Counter[str] = field(default_factory=Counter)

    def commit(self, topic: str, kind: str, **changes: Any) -> None:
        """Change or make an aggregate and log it in its instance's outbox."""
        name = changes[_KEY[topic]]
        before = self.rows.get((topic, name), {"version": 0})
        row = before | changes | {"version": before["version"] + 1, "updated_at": 1_000 + len(self.events)}
        self.rows[topic, name] = row
        instance = row["instance"]
        self.sequences[instance] += 1
        self.events.append(
            Event(instance, self.sequences[instance], topic, name, row["version"], kind, canonical(row))
        )

    def facts(self) -> Iterator[Fact]:
        yield from TARGET.readers()
        yield from self.commands
        yield from self.events
        for (topic, name), row in self.rows.items():
            for side, place in (("write", row["instance"]), ("read", "read")):
                yield State(side, place, topic, name, row["version"], canonical(row))
        yield from self._log()
        yield from self._projections()
        yield from (
            History("orders", e.key, e.version or 0, e.body) for e in self.events if e.topic == "orders"
        )
        for instance in INSTANCES:
            for (topic, name), row in self.rows.items():
                if topic == "products":
                    yield Replica(instance, name, canonical({field: row[field] for field in OFFER_FIELDS}))

    def _log(self) -> Iterator[Fact]:
        ends: Counter[tuple[str, int]] = Counter(
            {(t, p): 0 for t in ("orders", "products") for p in range(PARTITIONS)}
        )
        for event in self.events:
            partition = zlib.crc32(event.key.encode()) % PARTITIONS
            source = f"{event.instance}:{event.sequence}"
            position = ends[event.topic, partition]
            yield Record(event.topic, partition, position, source, event.key, event.version, event.body)
            ends[event.topic, partition] += 1
        for (topic, partition), end in ends.items():
            yield Log(topic, partition, 0, end)
            yield from (
                Progress(reader.name, topic, partition, end)
                for reader in TARGET.readers()
                if reader.topic == topic
            )

    def _projections(self) -> Iterator[Fact]:
        orders = [row for (topic, _), row in self.rows.items() if topic == "orders"]
        counted = [order for order in orders if order["status"] not in ("REJECTED", "CANCELLED")]
        yield from (Counted(order["order_id"]) for order in counted)
        for user in {order["user_id"] for order in orders}:
            own = [order for order in counted if order["user_id"] == user]
            summary = {
                "orders": len(own),
                "spend_cents": sum(order["total_cents"] for order in own),
                "last_order_at": max(order["placed_at"] for order in orders if order["user_id"] == user),
            }
            yield Projection("user_summary", user, canonical(summary))
        sold = [line for order in counted for line in order["lines"]]
        for product in {line["product_id"] for line in sold}:
            lines = [line for line in sold if line["product_id"] == product]
            sales = {
                "quantity": sum(line["quantity"] for line in lines),
                "revenue_cents": sum(line["quantity"] * line["unit_price_cents"] for line in lines),
                "orders": len(lines),
            }
            yield Projection("product_sales", product, canonical(sales))


def small_stack() -> StackFacts:
    """Three instances, a product at each, and orders that end in every status."""
    facts = StackFacts()
    for number, instance in enumerate(INSTANCES, start=1):
        facts.commit(
            "products", "product.registered.v1",
            product_id=f"tea-{number}", name="Tea", unit_price_cents=450, stock_available=100, stock_reserved=0,
            instance=instance,
        )  # fmt: skip
    facts.commit("products", "product.restocked.v1", product_id="tea-1", stock_available=150)
    facts.commit("products", "product.repriced.v1", product_id="tea-2", unit_price_cents=500)
    for number, status in enumerate(
        ("PENDING", "CONFIRMED", "SHIPPED", "REJECTED", "CANCELLED", "CONFIRMED")
    ):
        _order(facts, number=number, status=status)
    facts.commands.append(Command(90, "failed", None, "ada", canonical([["tea-1", 9]])))
    facts.commands.append(Command(91, "unknown", None, "ada", canonical([["tea-1", 8]])))
    return facts


def _order(facts: StackFacts, *, number: int, status: str) -> None:
    order_id, product_id, quantity = (
        f"order-{number % 3 + 1}-{number:04}",
        f"tea-{number % 3 + 1}",
        number + 1,
    )
    user_id = ("ada", "bob")[number % 2]
    facts.commit(
        "orders", "order.placed.v1",
        order_id=order_id, user_id=user_id, status="PENDING", total_cents=450 * quantity, reason=None,
        lines=[{"product_id": product_id, "quantity": quantity, "unit_price_cents": 450}],
        instance=INSTANCES[number % 3], placed_at=5_000 + number,
    )  # fmt: skip
    facts.commands.append(Command(number, "ok", order_id, user_id, canonical([[product_id, quantity]])))
    if status in ("CONFIRMED", "SHIPPED", "CANCELLED"):
        _move(facts, product_id, "product.stock-reserved.v1", available=-quantity, reserved=quantity)
    if status in ("SHIPPED", "CANCELLED"):
        facts.commit("orders", "order.confirmed.v1", order_id=order_id, status="CONFIRMED")
    if status == "SHIPPED":
        _move(facts, product_id, "product.stock-shipped.v1", reserved=-quantity)
    if status == "CANCELLED":
        _move(facts, product_id, "product.stock-released.v1", available=quantity, reserved=-quantity)
    if status != "PENDING":
        facts.commit("orders", f"order.{status.lower()}.v1", order_id=order_id, status=status)


def _move(facts: StackFacts, product_id: str, kind: str, *, available: int = 0, reserved: int = 0) -> None:
    stock = facts.rows["products", product_id]
    facts.commit(
        "products", kind, product_id=product_id,
        stock_available=stock["stock_available"] + available, stock_reserved=stock["stock_reserved"] + reserved,
    )  # fmt: skip
