"""A change: one record of `orders` or `products`, in the shape the catalog shows."""

from dataclasses import dataclass
from typing import Annotated

import msgspec

from catalog_service.changefeed.position import Partition
from catalog_service.read_model.rules import (
    MAX_ID_LENGTH,
    MAX_LINES,
    MAX_TEXT_LENGTH,
    MAX_VERSION,
    is_order_of,
)
from catalog_service.times import rfc3339_of_ms

MALFORMED = "malformed"
"""Reason: the value is not the contract's envelope, or holds what the read tables cannot."""
FOREIGN_INSTANCE = "foreign_instance"
"""Reason: the record names another instance than the one its order or product belongs to."""


class UnreadableRecordError(ValueError):
    """The record is not what the contract says; the sink parks it, and the stream passes over it."""

    def __init__(self, reason: str, detail: str) -> None:
        """`reason` is one of a few words, `detail` is for people."""
        super().__init__(detail)
        self.reason = reason
        """One of a few words, fit for a metric's label."""


# What the columns of the read database hold (its migrations): beyond it the sink cannot write the record.
_BigInt = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Integer = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**31 - 1)]
_Version = Annotated[int, msgspec.Meta(ge=1, le=MAX_VERSION)]
_Id = Annotated[str, msgspec.Meta(max_length=MAX_ID_LENGTH)]
_Text = Annotated[str, msgspec.Meta(max_length=MAX_TEXT_LENGTH)]
_TIMES = ("placed_at", "updated_at")


class _Line(msgspec.Struct, frozen=True):
    product_id: _Id
    quantity: Annotated[int, msgspec.Meta(ge=1, le=10**6)]
    unit_price_cents: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class _Order(msgspec.Struct, frozen=True, kw_only=True):
    order_id: _Id
    user_id: _Id
    status: _Id
    lines: Annotated[list[_Line], msgspec.Meta(max_length=MAX_LINES)]
    total_cents: _BigInt
    version: _Version
    instance: str
    reason: _Text | None = None  # its name in order.v1
    placed_at: _BigInt
    updated_at: _BigInt
    status_reason: _Text | None = None  # and in order.v2


class _Product(msgspec.Struct, frozen=True):
    product_id: _Id
    name: _Text
    unit_price_cents: _BigInt
    stock_available: _Integer
    stock_reserved: _Integer
    version: _Version
    instance: _Id
    updated_at: _BigInt


class _OrderEnvelope(msgspec.Struct, frozen=True):
    payload: _Order


class _ProductEnvelope(msgspec.Struct, frozen=True):
    payload: _Product


_DECODERS: dict[str, msgspec.json.Decoder[_OrderEnvelope] | msgspec.json.Decoder[_ProductEnvelope]] = {
    "orders": msgspec.json.Decoder(_OrderEnvelope),
    "products": msgspec.json.Decoder(_ProductEnvelope),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One event of an order or a product. Times are milliseconds since 1970.

    `body` is the state after the event as JSON, in the shape of `GET /orders/{id}` or `GET /products/{id}`. `product`
    holds id and instance of a product, and is None for an order.
    """

    partition: Partition
    offset: int
    key: str
    version: int
    kind: str
    user_id: str | None
    body: bytes
    committed_ms: int
    relayed_ms: int
    seen_ms: int
    product: tuple[str, str] | None = None
    trace: str = ""
    """Its record's `traceparent`, if that belongs to a trace that is recorded."""


def read_change(  # noqa: PLR0913 - the fields of a Kafka record
    *,
    topic: str,
    partition: int,
    offset: int,
    value: bytes | None,
    kind: str,
    timestamp_ms: int,
    seen_ms: int,
    trace: str = "",
) -> Change:
    """The change a record of `topic` (its name without prefix) carries.

    Raises:
        UnreadableRecordError: the value is not an envelope of the contract, or not one the read database takes.
    """
    try:
        state = _DECODERS[topic].decode(value or b"").payload
        body = _body(state)
    except MemoryError:
        raise  # the process is short of it, which says nothing of the record
    # RecursionError of deep JSON is no error of msgspec's, and a record decides about nothing but itself.
    except Exception as error:
        raise UnreadableRecordError(MALFORMED, f"{type(error).__name__}: {error}") from error
    if isinstance(state, _Order) and not is_order_of(state.order_id, state.instance):
        raise UnreadableRecordError(FOREIGN_INSTANCE, f"order {state.order_id} is not of {state.instance}")
    return Change(
        partition=(topic, partition),
        offset=offset,
        key=state.order_id if isinstance(state, _Order) else state.product_id,
        version=state.version,
        kind=kind,
        user_id=state.user_id if isinstance(state, _Order) else None,
        body=body,
        committed_ms=state.updated_at,
        relayed_ms=timestamp_ms,
        seen_ms=seen_ms,
        product=None if isinstance(state, _Order) else (state.product_id, state.instance),
        trace=trace,
    )


def _body(state: _Order | _Product) -> bytes:
    shown = msgspec.structs.asdict(state)
    if isinstance(state, _Order):
        shown["reason"] = shown.pop("status_reason") or state.reason
    for time in _TIMES:
        if time in shown:
            shown[time] = rfc3339_of_ms(shown[time])
    body = msgspec.json.encode(shown)
    # PostgreSQL's text cannot hold U+0000. The bytes may also be those of an escaped backslash: look closer then.
    if b"\\u0000" in body and "\x00" in body.decode().replace("\\\\", "").replace("\\u0000", "\x00"):
        raise ValueError("U+0000 in a text")
    return body
