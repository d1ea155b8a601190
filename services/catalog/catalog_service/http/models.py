"""The shapes of questions and answers, as OpenAPI shows them."""

import unicodedata
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

from catalog_service.read_model.orders import Sort
from catalog_service.read_model.rules import MAX_ID_LENGTH
from catalog_service.times import rfc3339

MAX_PAGE = 200


def _in_utc(time: datetime) -> datetime:
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("outside the years 1 to 9999 in UTC") from error


Time = Annotated[
    datetime, PlainSerializer(rfc3339, return_type=str), Field(json_schema_extra={"format": "date-time"})
]
AskedTime = Annotated[AwareDatetime, AfterValidator(_in_utc)]
# No control characters: PostgreSQL's text cannot hold U+0000, and no id has use for the others.
Id = Annotated[
    str,
    StringConstraints(min_length=1, max_length=MAX_ID_LENGTH, pattern=r"^[^\x00-\x1f\x7f]+$"),
    Field(examples=["ada"]),
]
UserId = Annotated[Id, AfterValidator(partial(unicodedata.normalize, "NFC"))]
"""As the order service writes it: a letter with its accent in one form."""
Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]
# Described here and read by `open_cursor`, whose answer is a problem of its own.
Cursor = Annotated[str, WithJsonSchema({"type": "string", "minLength": 1, "maxLength": 1_000})]


class Question(BaseModel):
    """Query parameters of a route; a name it does not know is an error, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PageQuestion(Question):
    """Where a page begins and how long it is."""

    limit: Limit = 50
    cursor: Cursor | None = None


class OrdersQuestion(PageQuestion):
    """Filters of `GET /orders`; they are joined by "and"."""

    user_id: UserId | None = None
    status: (
        Annotated[str, StringConstraints(pattern=r"^(PENDING|CONFIRMED|REJECTED|SHIPPED|CANCELLED)$")] | None
    ) = None
    product_id: Id | None = None
    placed_after: AskedTime | None = Field(default=None, description="inclusive")
    placed_before: AskedTime | None = Field(default=None, description="exclusive")
    sort: Sort = "-placed_at"


class ProductsQuestion(PageQuestion):
    """Filters of `GET /products`."""

    instance: Id | None = Field(default=None, description="the instance that decides about the stock")


class SalesQuestion(Question):
    """How many best sellers."""

    limit: Limit = 10


class Answer(BaseModel):
    """Rows come straight from the database and need no second validation, only a shape."""

    model_config = ConfigDict(from_attributes=True)


class OrderLine(Answer):
    """One product of an order, at the price of the moment it was placed."""

    product_id: str
    quantity: int
    unit_price_cents: int


class Order(Answer):
    """An order as the read database shows it."""

    order_id: str
    user_id: str
    status: str
    lines: list[OrderLine]
    total_cents: int
    version: int
    instance: str
    reason: str | None
    placed_at: Time
    updated_at: Time


class OrderPage(Answer):
    """Orders, and the cursor of the next page if there is one."""

    items: list[Order]
    next_cursor: str | None


class TraceReader(Answer):
    """A connector that reads the record's partition. `is_past`: it has applied the record, or made a dead letter of it."""

    connector: str
    next_offset: int
    is_past: bool


class TracedRecord(Answer):
    """One record as it lies in Kafka. `timestamp_ms` is its own, since 1970; of headers of one name the last counts.

    `trace_url` leads to the trace that caused it, where that is recorded and the service knows the trace store.
    """

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: str | None
    headers: dict[str, str | None]
    value: str | None
    trace_url: str | None
    readers: list[TraceReader]


class TracedLetter(Answer):
    """A record of the order that is a dead letter: why, and (`parked_at`) since when."""

    connector: str
    topic: str
    partition: int
    offset: int
    stage: str
    error: str
    parked_at: Time


class OrderTrace(Answer):
    """What an order has left behind. `complete`: there were no further records of it in Kafka."""

    order_id: str
    records: list[TracedRecord]
    complete: bool
    row: Order | None
    history: list[Order]
    dead_letters: list[TracedLetter]


class Product(Answer):
    """A product with its stock; `instance` is its owner, which alone decides about the stock."""

    product_id: str
    name: str
    unit_price_cents: int
    stock_available: int
    stock_reserved: int
    version: int
    instance: str
    updated_at: Time


class ProductPage(Answer):
    """Products, and the cursor of the next page if there is one."""

    items: list[Product]
    next_cursor: str | None


class UserSummary(Answer):
    """What a user has ordered so far."""

    user_id: str
    orders: int
    spend_cents: int
    last_order_at: Time


class ProductSales(Answer):
    """What a product has sold so far."""

    product_id: str
    quantity: int
    revenue_cents: int
    orders: int


class BestSellers(Answer):
    """The products sold most, best first."""

    items: list[ProductSales]
