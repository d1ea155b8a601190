"""The records every system drains: orders in the envelope of `contracts/`, one seed, so every run sees the same.

Two fields of the contract's order are left out (`reason`, `instance`, and `updated_at`, which `placed_at` stands for) and
`lines` travels as one JSON text, because the JVM sinks cannot write an array of structs at all. What is left is a
real order of seven columns in about 830 bytes, four fifths of which is the schema, as in every Connect envelope.
"""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CONTRACT = Path(__file__).parents[2] / "contracts" / "samples" / "order.placed.v1.json"
COLUMNS = ("order_id", "user_id", "status", "lines", "total_cents", "version", "placed_at")

# Every eighth order is placed and never touched again: when its row was committed tells how far a sink had come.
MARKER_EVERY = 8
STATUSES = ("PENDING", "CONFIRMED", "SHIPPED", "CANCELLED")
PRODUCTS = tuple(
    f"{kind}-{colour}"
    for kind in ("tea", "mug", "pot", "tin", "box")
    for colour in ("green", "blue", "white", "red")
)
FIRST_ORDER_MS = 1_763_800_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One state of an order; money in cents, time in milliseconds since 1970 (UTC)."""

    order_id: str
    user_id: str
    status: str
    lines: str
    total_cents: int
    version: int
    placed_at: int


def new_orders(count: int, *, first: int = 0) -> Iterator[Order]:
    """`count` orders, every one with a key of its own, numbered from `first`."""
    chance = random.Random(first)  # noqa: S311  the same orders in every run are the point
    for number in range(first, first + count):
        yield _placed(number, chance)


def orders_and_updates(count: int) -> Iterator[Order]:
    """`count` states: half of them new orders, half the next version of one picked from all that came before."""
    chance = random.Random(1)  # noqa: S311
    placed: list[Order] = []
    open_orders: list[int] = []
    for index in range(count):
        if index % 2 == 0 or not open_orders:
            order = _placed(len(placed), chance)
            if not is_marker(order.order_id):
                open_orders.append(len(placed))
            placed.append(order)
        else:
            number = chance.choice(open_orders)
            order = placed[number] = _next_state(placed[number])
        yield order


def is_marker(order_id: str) -> bool:
    """Whether the order is never updated."""
    return int(order_id[-12:]) % MARKER_EVERY == 0


def line_count(order: Order) -> int:
    """Count the lines of the order."""
    return order.lines.count("product_id")


def key_of(order: Order) -> bytes:
    """Give the record's key: the envelope of a string."""
    return b'{"schema":{"type":"string","optional":false},"payload":"%s"}' % order.order_id.encode()


class Envelope:
    """Writes values; the schema part is the contract's, byte for byte the same in every record."""

    def __init__(self) -> None:
        contract = json.loads(json.loads(CONTRACT.read_text())["value"])["schema"]
        fields = {field["field"]: field for field in contract["fields"]}
        fields["lines"] = {
            **fields["user_id"],
            "field": "lines",
            "name": "io.debezium.data.Json",
            "version": 1,
        }
        schema = {**contract, "fields": [fields[column] for column in COLUMNS]}
        self._head = b'{"schema":%s,"payload":' % _compact(schema)

    def value_of(self, order: Order) -> bytes:
        payload = {column: getattr(order, column) for column in COLUMNS}
        return self._head + _compact(payload) + b"}"


def _placed(number: int, chance: random.Random) -> Order:
    bought = [
        (chance.choice(PRODUCTS), chance.randint(1, 5), chance.randrange(150, 4000, 50))
        for _ in range(chance.choice((1, 2)))
    ]
    lines = [dict(zip(("product_id", "quantity", "unit_price_cents"), line, strict=True)) for line in bought]
    return Order(
        order_id=f"order-{number % 3 + 1}-01JD9Z6Q4W{number:012d}",
        user_id=f"u{chance.randrange(50_000):05d}",
        status=STATUSES[0],
        lines=_compact(lines).decode(),
        total_cents=sum(quantity * price for _, quantity, price in bought),
        version=1,
        placed_at=FIRST_ORDER_MS + number,
    )


def _next_state(order: Order) -> Order:
    return Order(
        order_id=order.order_id,
        user_id=order.user_id,
        status=STATUSES[min(order.version, len(STATUSES) - 1)],
        lines=order.lines,
        total_cents=order.total_cents,
        version=order.version + 1,
        placed_at=order.placed_at,
    )


def _compact(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
