"""GET /orders/{order_id}/trace: what one order has left behind in Kafka and in the read database."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response

from catalog_service.changefeed.order_records import BusyError, Found, OrderRecords
from catalog_service.changefeed.topic_consumer import KafkaUnavailableError, Record, UnreadablePartitionError
from catalog_service.http.answers import answer, shown_order
from catalog_service.http.authentication import require_staff
from catalog_service.http.models import Id, OrderTrace, Question, TracedLetter, TracedRecord, TraceReader
from catalog_service.http.problems import not_found, responses, unavailable
from catalog_service.http.trace_links import TraceLinks
from catalog_service.read_model.orders import Row, RowSource
from catalog_service.read_model.traces import StoredTrace, stored_trace
from catalog_service.records import record_key

_LONGEST = 16_384
_MOST_HEADERS = 100


def trace_routes(rows: RowSource, *, records: OrderRecords, links: TraceLinks) -> APIRouter:
    """The real things along an order's way, side by side."""
    routes = APIRouter(tags=["synchronisation"])

    @routes.get(
        "/orders/{order_id}/trace",
        response_model=OrderTrace,
        responses=responses(404),
        dependencies=[Depends(require_staff)],
    )
    async def trace(
        request: Request, order_id: Annotated[Id, Path()], _: Annotated[Question, Query()]
    ) -> Response:
        """The order's records in Kafka, with who has read them, its row, its history and its dead letters.

        At most 10,000 records since the order was placed are looked through, for three seconds at most; `complete` says
        whether those were all. Texts are cut after 16,384 characters, headers after
        a hundred.
        """
        found = await _in_kafka(records, order_id)
        stored = await stored_trace(rows, order_id, topic=records.topic, key=record_key(order_id))
        if not found.records and stored.row is None and not stored.dead_letters:
            raise not_found("unknown-order", f"order {order_id} is neither in Kafka nor in the read database")
        return answer(request, _shown(order_id, found, stored, links))

    return routes


async def _in_kafka(records: OrderRecords, order_id: str) -> Found:
    try:
        return await records.find(order_id)
    except BusyError as error:
        raise unavailable("too-many-traces", str(error)) from error
    except (KafkaUnavailableError, UnreadablePartitionError) as error:
        raise unavailable("kafka-unavailable", f"Kafka does not show the records: {error}") from error


def _shown(order_id: str, found: Found, stored: StoredTrace, links: TraceLinks) -> OrderTrace:
    return OrderTrace(
        order_id=order_id,
        records=[_record(each, stored.positions, links) for each in found.records],
        complete=found.complete,
        row=shown_order(stored.row) if stored.row else None,
        history=[shown_order(row) for row in stored.history],
        dead_letters=[TracedLetter.model_validate(dict(row)) for row in stored.dead_letters],
    )


def _record(record: Record, positions: Sequence[Row], links: TraceLinks) -> TracedRecord:
    headers = {_name(name): _text(value) for name, value in record.headers[:_MOST_HEADERS]}
    readers = [
        TraceReader(
            connector=row["connector"],
            next_offset=row["next_offset"],
            is_past=record.offset < row["next_offset"],
        )
        for row in positions
        if (row["topic"], row["partition"]) == (record.topic, record.partition)
    ]
    return TracedRecord(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp_ms=record.timestamp_ms,
        key=_text(record.key),
        headers=headers,
        value=_text(record.value),
        trace_url=links.of(headers.get("traceparent")),
        readers=readers,
    )


def _name(name: str) -> str:
    """Names that are not UTF-8 hold surrogates, which JSON cannot carry."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")[:_LONGEST]


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode("utf-8", "replace")[:_LONGEST]
