"""Records as `contracts/` has them: the Connect JSON envelope, whose schema part never differs by a byte."""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple

import msgspec

from order_service.domain.order import Order
from order_service.domain.product import Product
from order_service.domain.stock import StockAnswer, StockRequest
from order_service.service_layer.unit_of_work import Publication

_encode = msgspec.json.Encoder().encode


class OutboxRecord(NamedTuple):
    """One row of the outbox: all of a Kafka record but its `ce_id`, which is the row's own number."""

    topic: str
    key: bytes
    value: bytes
    headers: dict[str, str]

    def headers_json(self) -> str:
        """The headers as they are stored: a JSON object."""
        return _encode(self.headers).decode()


def _field(name: str, type_: str, *, optional: bool = False) -> dict[str, Any]:
    return {"field": name, "type": type_, "optional": optional}


def _time(name: str) -> dict[str, Any]:
    return {**_field(name, "int64"), "name": "org.apache.kafka.connect.data.Timestamp", "version": 1}


def _array(name: str, *fields: dict[str, Any]) -> dict[str, Any]:
    return {
        **_field(name, "array"),
        "items": {"type": "struct", "optional": False, "fields": fields},
    }


def _prefix(name: str, *fields: dict[str, Any]) -> bytes:
    schema = {"type": "struct", "optional": False, "name": name, "fields": fields}
    return b'{"schema":' + _encode(schema) + b',"payload":'


_LINES = _array(
    "lines", _field("product_id", "string"), _field("quantity", "int32"), _field("unit_price_cents", "int64")
)
_ORDER = _prefix(
    "order.v1",
    _field("order_id", "string"),
    _field("user_id", "string"),
    _field("status", "string"),
    _LINES,
    _field("total_cents", "int64"),
    _field("version", "int64"),
    _field("instance", "string"),
    _field("reason", "string", optional=True),
    _time("placed_at"),
    _time("updated_at"),
)
_PRODUCT = _prefix(
    "product.v1",
    _field("product_id", "string"),
    _field("name", "string"),
    _field("unit_price_cents", "int64"),
    _field("stock_available", "int32"),
    _field("stock_reserved", "int32"),
    _field("version", "int64"),
    _field("instance", "string"),
    _time("updated_at"),
)
_STOCK_REQUEST = _prefix(
    "stock-request.v1",
    _field("order_id", "string"),
    _field("order_version", "int64"),
    _field("instance", "string"),
    _field("home", "string"),
    _field("wanted", "string"),
    _array("goods", _field("product_id", "string"), _field("quantity", "int32")),
)
_STOCK_ANSWER = _prefix(
    "stock-answer.v1",
    _field("order_id", "string"),
    _field("order_version", "int64"),
    _field("instance", "string"),
    _field("home", "string"),
    _field("held", "string"),
    _field("reason", "string", optional=True),
)
_KEY = b'{"schema":{"type":"string","optional":false},"payload":'


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordMaker:
    """Makes the records of one instance. `prefix` stands before every topic's name."""

    instance: str
    prefix: str = ""

    def make(self, publication: Publication) -> OutboxRecord:
        """The record of an event or a message. Raises `ValueError` for text that has no UTF-8."""
        subject, at, trace = publication.subject, publication.at, publication.trace
        match subject:
            case Order():
                return self.order(subject, publication.event or "", at=at, trace=trace)
            case Product():
                return self.product(subject, publication.event or "", at=at, trace=trace)
            case StockRequest():
                return self.stock_request(subject, at=at, trace=trace)
            case StockAnswer():
                return self.stock_answer(subject, at=at, trace=trace)

    def order(self, order: Order, event: str, *, at: int, trace: str) -> OutboxRecord:
        """`event` is the bare type, for example `order.placed`."""
        payload = {
            "order_id": order.order_id,
            "user_id": order.user_id,
            "status": order.status.value,
            "lines": order.lines,
            "total_cents": order.total_cents,
            "version": order.version,
            "instance": order.instance,
            "reason": order.reason,
            "placed_at": order.placed_at,
            "updated_at": order.updated_at,
        }
        return self._record(
            "orders", order.order_id, _ORDER + _encode(payload) + b"}", event, at=at, trace=trace
        )

    def product(self, product: Product, event: str, *, at: int, trace: str) -> OutboxRecord:
        """`event` is the bare type, for example `product.restocked`."""
        payload = {
            "product_id": product.product_id,
            "name": product.name,
            "unit_price_cents": product.unit_price_cents,
            "stock_available": product.stock_available,
            "stock_reserved": product.stock_reserved,
            "version": product.version,
            "instance": product.instance,
            "updated_at": product.updated_at,
        }
        value = _PRODUCT + _encode(payload) + b"}"
        return self._record("products", product.product_id, value, event, at=at, trace=trace)

    def stock_request(self, request: StockRequest, *, at: int, trace: str) -> OutboxRecord:
        """To the inbox of the goods' owner: `reserve-stock`, `release-stock` or `ship-stock`."""
        event = {"RESERVED": "reserve-stock", "RELEASED": "release-stock", "SHIPPED": "ship-stock"}[
            request.wanted
        ]
        value = _STOCK_REQUEST + _encode(request) + b"}"
        return self._record(f"inbox.{request.home}", request.order_id, value, event, at=at, trace=trace)

    def stock_answer(self, answer: StockAnswer, *, at: int, trace: str) -> OutboxRecord:
        """To the inbox of the order's owner: `stock-reserved`, `stock-refused`, `stock-released` or `stock-shipped`."""
        value = _STOCK_ANSWER + _encode(answer) + b"}"
        event = f"stock-{answer.held.value.lower()}"
        return self._record(f"inbox.{answer.instance}", answer.order_id, value, event, at=at, trace=trace)

    def _record(  # noqa: PLR0913 - a record is made of this much
        self, topic: str, subject: str, value: bytes, event: str, *, at: int, trace: str
    ) -> OutboxRecord:
        return OutboxRecord(
            topic=self.prefix + topic,
            key=_KEY + _encode(subject) + b"}",
            value=value,
            headers={
                "ce_specversion": "1.0",
                "ce_type": f"{event}.v1",
                "ce_source": f"/order-service/{self.instance}",
                "ce_time": rfc3339(at),
                "ce_subject": subject,
                "traceparent": trace,
            },
        )


@lru_cache(maxsize=1024)  # all that one commit holds has one time
def rfc3339(milliseconds: int) -> str:
    """`2025-11-22T08:26:40.123Z` of milliseconds since 1970."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"
