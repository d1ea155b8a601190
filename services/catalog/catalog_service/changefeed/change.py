"""A change: one record of `orders` or `products`, in the shape the catalog shows."""

from dataclasses import dataclass

import msgspec

from catalog_service.changefeed.position import Partition
from catalog_service.times import rfc3339_of_ms


class UnreadableRecordError(ValueError):
    """The record is not what the contract says; the sink parks it, and the stream passes over it."""


class _Line(msgspec.Struct, frozen=True):
    product_id: str
    quantity: int
    unit_price_cents: int


class _Order(msgspec.Struct, frozen=True):
    order_id: str
    user_id: str
    status: str
    lines: list[_Line]
    total_cents: int
    version: int
    instance: str
    placed_at: int
    updated_at: int
    reason: str | None = None  # version 1 of the event
    status_reason: str | None = None  # its name from version 2 on


class _Product(msgspec.Struct, frozen=True):
    product_id: str
    name: str
    unit_price_cents: int
    stock_available: int
    stock_reserved: int
    version: int
    instance: str
    updated_at: int


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

    `body` is the state after the event as JSON, in the shape of `GET /orders/{id}` or `GET /products/{id}`.
    """

    partition: Partition
    offset: int
    kind: str
    user_id: str | None
    body: bytes
    committed_ms: int
    relayed_ms: int
    seen_ms: int


def read_change(  # noqa: PLR0913 - the fields of a Kafka record
    *,
    topic: str,
    partition: int,
    offset: int,
    value: bytes | None,
    kind: str,
    timestamp_ms: int,
    seen_ms: int,
) -> Change:
    """The change a record of `topic` (its name without prefix) carries.

    Raises:
        UnreadableRecordError: the value is not an envelope of the contract.
    """
    try:
        state = _DECODERS[topic].decode(value or b"").payload
        shown = msgspec.structs.asdict(state)
        if isinstance(state, _Order):
            shown["reason"] = shown.pop("status_reason") or state.reason
        for time in ("placed_at", "updated_at"):
            if time in shown:
                shown[time] = rfc3339_of_ms(shown[time])
    except (msgspec.MsgspecError, ValueError, OverflowError, OSError) as error:
        raise UnreadableRecordError(str(error)) from error
    return Change(
        partition=(topic, partition),
        offset=offset,
        kind=kind,
        user_id=state.user_id if isinstance(state, _Order) else None,
        body=msgspec.json.encode(shown),
        committed_ms=state.updated_at,
        relayed_ms=timestamp_ms,
        seen_ms=seen_ms,
    )
