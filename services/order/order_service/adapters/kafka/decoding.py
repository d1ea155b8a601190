"""Consumed records to use cases. What cannot be understood is parked, never skipped in silence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

import msgspec
from aiokafka import ConsumerRecord

from order_service.domain.product import Offer
from order_service.domain.stock import StockAnswer, StockRequest
from order_service.service_layer.apply_once import Incoming, Park
from order_service.service_layer.unit_of_work import Needs, Transaction, UseCase
from order_service.service_layer.use_cases.decide_stock import DecideStock
from order_service.service_layer.use_cases.refresh_offer import RefreshOffer
from order_service.service_layer.use_cases.take_answer import TakeAnswer

P = TypeVar("P")


class _Envelope(msgspec.Struct, Generic[P]):
    """`schema` is passed over: the type of the event already says what the payload is."""

    payload: P


_offer = msgspec.json.Decoder(_Envelope[Offer]).decode
_request = msgspec.json.Decoder(_Envelope[StockRequest]).decode
_answer = msgspec.json.Decoder(_Envelope[StockAnswer]).decode


class _Nothing:
    """A record without consequence here."""

    def needs(self) -> Needs:
        return Needs()

    def decide(self, tx: Transaction) -> None:
        pass


def product_effect(value: bytes | None, _event: str) -> UseCase[None]:
    """Of a record on `products`; the definition is what counts here, whatever the event was."""
    if value is None:
        return _Nothing()  # a tombstone: orders placed before keep their lines, and products are not deleted
    return RefreshOffer(_offer(value).payload)


def inbox_effect(value: bytes | None, event: str) -> UseCase[None]:
    """Of a record on `inbox.<instance>`, by its `ce_type`."""
    if value is None or event not in _INBOX:
        raise msgspec.ValidationError(f"nothing to do for type {event!r}")
    return _INBOX[event](value)


_INBOX: dict[str, Callable[[bytes], UseCase[None]]] = {
    **dict.fromkeys(
        ("reserve-stock.v1", "release-stock.v1", "ship-stock.v1"),
        lambda value: DecideStock(_request(value).payload),
    ),
    **dict.fromkeys(
        ("stock-reserved.v1", "stock-refused.v1", "stock-released.v1", "stock-shipped.v1"),
        lambda value: TakeAnswer(_answer(value).payload),
    ),
}


def incoming(
    record: ConsumerRecord[Any, Any], effect_of: Callable[[bytes | None, str], UseCase[None]]
) -> Incoming:
    """The record with its effect; with `Park` as its effect when it cannot be decoded."""
    source = f"{record.topic}/{record.partition}"
    headers = dict(record.headers)
    effect: UseCase[None]
    try:
        effect = effect_of(record.value, headers.get("ce_type", b"").decode())
    except (msgspec.DecodeError, UnicodeDecodeError) as error:  # ValidationError is a DecodeError
        effect = Park(source, record.offset, record.key, record.value, str(error))
    return Incoming(
        source=source,
        offset=record.offset,
        trace=headers.get("traceparent", b"").decode(errors="replace"),
        key=record.key,
        value=record.value,
        effect=effect,
    )
