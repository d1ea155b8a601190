"""What the auditor knows, side by side: each class is one table of the scratch database (`schema.sql` says what they mean)."""

from typing import Any, NamedTuple

import msgspec

ORDER_FIELDS = (
    "order_id", "user_id", "status", "lines", "total_cents", "version", "instance", "reason", "placed_at", "updated_at",
)  # fmt: skip
PRODUCT_FIELDS = (
    "product_id", "name", "unit_price_cents", "stock_available", "stock_reserved", "version", "instance", "updated_at",
)  # fmt: skip
FIELDS = {"orders": ORDER_FIELDS, "products": PRODUCT_FIELDS}
"""Of each topic that carries aggregates; the first field is the key."""
OFFER_FIELDS = ("product_id", "name", "unit_price_cents", "instance")
USER_SUMMARY_FIELDS = ("user_id", "orders", "spend_cents", "last_order_at")
PRODUCT_SALES_FIELDS = ("product_id", "quantity", "revenue_cents", "orders")


class State(NamedTuple):
    """A row of `state`."""

    side: str
    place: str
    topic: str
    key: str
    version: int
    body: str


class Event(NamedTuple):
    """A row of `event`."""

    instance: str
    sequence: int
    topic: str
    key: str
    version: int | None
    type: str
    body: str


class Record(NamedTuple):
    """A row of `record`."""

    topic: str
    partition: int
    position: int
    source: str | None = None
    key: str | None = None
    version: int | None = None
    body: str | None = None
    fault: str | None = None


class Log(NamedTuple):
    """A row of `log`."""

    topic: str
    partition: int
    first: int
    end: int


class History(NamedTuple):
    """A row of `history`."""

    topic: str
    key: str
    version: int
    body: str


class Projection(NamedTuple):
    """A row of `projection`."""

    name: str
    key: str
    body: str


class Counted(NamedTuple):
    """A row of `counted`."""

    key: str


class Replica(NamedTuple):
    """A row of `replica`."""

    instance: str
    key: str
    body: str


class Reader(NamedTuple):
    """A row of `reader`."""

    name: str
    topic: str
    keeps: str


class Progress(NamedTuple):
    """A row of `progress`."""

    reader: str
    topic: str
    partition: int
    next: int


class DeadLetter(NamedTuple):
    """A row of `dead_letter`."""

    reader: str
    topic: str
    partition: int
    position: int
    reason: str


class SetAside(NamedTuple):
    """A row of `set_aside`."""

    instance: str
    sequence: int
    topic: str
    reason: str


class Planted(NamedTuple):
    """A row of `planted`."""

    topic: str
    partition: int
    position: int


class Command(NamedTuple):
    """A row of `command`."""

    number: int
    outcome: str
    order_id: str | None
    user_id: str
    lines: str


Fact = (
    State
    | Event
    | Record
    | Log
    | History
    | Projection
    | Counted
    | Replica
    | Reader
    | Progress
    | DeadLetter
    | SetAside
    | Planted
    | Command
)


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal texts."""
    return msgspec.json.encode(value, order="sorted").decode()
