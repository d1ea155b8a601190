"""Consumed records to use cases. What cannot be understood becomes a dead letter; it is never skipped in silence.

Nothing that a record holds raises here: whatever goes wrong with it is its dead letter's reason.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

import msgspec

from order_service.adapters.kafka.consumer import Record
from order_service.adapters.kafka.messages import (
    Envelope,
    Key,
    OfferMessage,
    StockAnswerMessage,
    StockRequestMessage,
)
from order_service.domain.product import Offer
from order_service.domain.stock import DesiredHold, HoldState, LineItem, StockAnswer, StockRequest
from order_service.service_layer.apply_once import Incoming
from order_service.service_layer.unit_of_work import Needs, Transaction, UseCase
from order_service.service_layer.use_cases.decide_stock import DecideStock
from order_service.service_layer.use_cases.refresh_offer import RefreshOffer
from order_service.service_layer.use_cases.take_answer import TakeAnswer

_offer = msgspec.json.Decoder(Envelope[OfferMessage]).decode
_request = msgspec.json.Decoder(Envelope[StockRequestMessage]).decode
_answer = msgspec.json.Decoder(Envelope[StockAnswerMessage]).decode
_key = msgspec.json.Decoder(Key).decode

_TRACEPARENT = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
REQUESTS = {
    "reserve-stock.v1": DesiredHold.RESERVED,
    "release-stock.v1": DesiredHold.RELEASED,
    "ship-stock.v1": DesiredHold.SHIPPED,
}
ANSWERS = {
    "stock-reserved.v1": HoldState.RESERVED,
    "stock-refused.v1": HoldState.REFUSED,
    "stock-released.v1": HoldState.RELEASED,
    "stock-shipped.v1": HoldState.SHIPPED,
}


class UnreadableError(Exception):
    """The record is no message for this instance; the text says why."""


@dataclass(frozen=True, slots=True)
class Nothing:
    """A record without consequence here."""

    def needs(self) -> Needs:
        """Nothing."""
        return Needs()

    def decide(self, tx: Transaction) -> None:
        """Changes nothing."""


_NOTHING: UseCase[None] = Nothing()

Effect = Callable[[Record, str], UseCase[None]]
"""The use case that a record, of a type of event, calls for. Raises whatever it likes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decoding:
    """For the instance `instance` among `instances`, itself included."""

    instance: str
    instances: Collection[str]

    def product(self, record: Record, event: str) -> UseCase[None]:
        """Of a record on `products`; the definition is what counts here, whatever the event was."""
        if event and not event.startswith("product."):
            raise UnreadableError(f"{event} is no event of a product")
        if record.value is None:
            return (
                Nothing()
            )  # a tombstone: orders placed before keep their lines, and products are not deleted
        message = _offer(record.value).payload
        _check_key(record, message.product_id)
        self._check_known(message.instance)
        return RefreshOffer(
            Offer(
                product_id=message.product_id,
                name=message.name,
                unit_price_cents=message.unit_price_cents,
                instance=message.instance,
                version=message.version,
            )
        )

    def inbox(self, record: Record, event: str) -> UseCase[None]:
        """Of a record on this instance's inbox, by its `ce_type`."""
        if record.value is None:
            raise UnreadableError("a message without a value")
        if event in REQUESTS:
            return self._request(record, REQUESTS[event])
        if event in ANSWERS:
            return self._answer(record, ANSWERS[event])
        raise UnreadableError(f"nothing to do for type {event!r}")

    def _request(self, record: Record, wanted: DesiredHold) -> UseCase[None]:
        message = _request(record.value).payload
        _check_key(record, message.order_id)
        if message.wanted is not wanted:
            raise UnreadableError(f"the type says {wanted}, the payload {message.wanted}")
        if message.home != self.instance:
            raise UnreadableError(f"the request is for {message.home}, not for {self.instance}")
        self._check_known(message.instance)
        if message.order_id.rpartition("-")[0] != message.instance:
            raise UnreadableError(f"{message.order_id} is no order of {message.instance}")
        goods = tuple(LineItem(product_id=item.product_id, quantity=item.quantity) for item in message.goods)
        if len({item.product_id for item in goods}) < len(goods):
            raise UnreadableError("a product stands in two lines")
        return DecideStock(
            StockRequest(
                order_id=message.order_id,
                order_version=message.order_version,
                instance=message.instance,
                home=message.home,
                wanted=message.wanted,
                goods=goods,
            )
        )

    def _answer(self, record: Record, held: HoldState) -> UseCase[None]:
        message = _answer(record.value).payload
        _check_key(record, message.order_id)
        if message.held is not held:
            raise UnreadableError(f"the type says {held}, the payload {message.held}")
        if message.instance != self.instance:
            raise UnreadableError(f"the answer is for {message.instance}, not for {self.instance}")
        self._check_known(message.home)
        return TakeAnswer(
            StockAnswer(
                order_id=message.order_id,
                order_version=message.order_version,
                instance=message.instance,
                home=message.home,
                held=message.held,
                reason=message.reason,
            )
        )

    def _check_known(self, instance: str) -> None:
        if instance not in self.instances:
            raise UnreadableError(f"{instance} is no instance of this system")


def incoming(record: Record, effect_of: Effect, *, topic_id: str | None = None) -> Incoming:
    """The record with its effect; to be put among the dead letters when it cannot be decoded."""
    trace, effect, refusal = "", _NOTHING, None
    try:
        attributes = _attributes(record)
        sent = attributes.get("traceparent", "")
        trace = sent if _TRACEPARENT.fullmatch(sent) else ""
        effect = effect_of(record, attributes.get("ce_type", ""))
    except (UnreadableError, msgspec.DecodeError) as error:  # ValidationError is a DecodeError
        refusal = str(error)
    except MemoryError:
        raise  # the process is short of it, which says nothing of the record
    except Exception as error:  # noqa: BLE001 - nested too deeply, for one; the record is at fault, its neighbours are not
        refusal = f"cannot be decoded: {error!r}"
    found = Incoming(
        source=f"{record.topic}/{record.partition}",
        offset=record.offset,
        trace=trace,
        key=record.key,
        value=record.value,
        headers=record.headers,
        effect=effect,
        topic_id=topic_id,
    )
    return found if refusal is None else found.refused(refusal)


def _attributes(record: Record) -> dict[str, str]:
    """The headers that are of this system; another's may hold any bytes."""
    attributes = {}
    for name, value in record.headers:
        if not name.isascii() and not _is_text(name):
            raise UnreadableError(f"the header name {_escaped(name)} is not UTF-8")
        if name != "traceparent" and not name.startswith("ce_"):
            continue
        if value is None:
            raise UnreadableError(f"the header {name} is null")
        if (
            name in attributes and name != "traceparent"
        ):  # tracing libraries add theirs to the one that is there
            raise UnreadableError(f"the header {name} comes twice")
        try:
            attributes[name] = value.decode()
        except UnicodeDecodeError as error:
            raise UnreadableError(f"the header {name} is not UTF-8") from error
    return attributes


def _check_key(record: Record, expected: str) -> None:
    if record.key is None:
        raise UnreadableError("a record without a key")
    key = _key(record.key).payload
    if key != expected:
        raise UnreadableError(f"the key is {key!r}, the payload is about {expected}")


def _escaped(name: str) -> str:
    return name.encode(errors="surrogateescape").decode(errors="backslashreplace")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
