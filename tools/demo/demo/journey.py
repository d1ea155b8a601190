"""One order's journey, read afterwards from where it left something: the topics and the read database.

Every record that an order causes carries the order's trace (W3C `traceparent`), whichever instance wrote it and whatever
its key is. So the journey is every record of one of the order's traces, in the order of commits, and who has read it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError
from ulid_transform import ulid_to_timestamp

from auditor.sources.lenient_decoding import lenient_decoding
from demo.errors import CommandError, UsageError
from demo.security import StackSecurity, http_options, kafka_options

_POLL_MS = 1_000
_PATIENCE = 10
_EARLIER_MS = 5_000
"""How far the clocks of an instance and of a broker may differ for the first record still to be found."""
_ULID_LENGTH = 26


class UnreadableError(CommandError):
    """Kafka or the catalog does not answer."""


class UnknownOrderError(CommandError):
    """No topic has a record of the order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A record of the journey.

    `committed` is when its instance committed it (`ce_time`, milliseconds), `stored` when the broker took it;
    `readers` are the connectors that have it, by name, with whether they are past it.
    """

    topic: str
    partition: int
    offset: int
    kind: str
    instance: str
    trace: str
    committed: datetime
    stored: datetime
    readers: Mapping[str, bool]


@dataclass(frozen=True, slots=True)
class _Found:
    record: "ConsumerRecord[bytes, bytes]"
    headers: Mapping[str, str]

    @property
    def trace(self) -> str:
        return self.headers.get("traceparent", "--")[3:35]


async def journey(
    order_id: str,
    *,
    bootstrap: str,
    catalog_url: str,
    instances: Iterable[str],
    security: StackSecurity | None = None,
) -> list[Step]:
    """Every record that the order caused, in the order of their commits. `security` is the stack's, where it has any.

    Raises:
        UsageError: that is no id of an order.
        UnknownOrderError: nothing of it is in Kafka.
        UnreadableError: Kafka or the catalog does not answer.
    """
    since_ms = _placed_ms(order_id)
    topics = ("orders", "products", *(f"inbox.{name}" for name in instances))
    try:
        found = await _records(
            order_id,
            topics,
            client={"bootstrap_servers": bootstrap, **kafka_options(security)},
            since_ms=since_ms,
        )
        positions = await _positions(catalog_url, http_options(security))
    except (KafkaError, httpx.HTTPError) as error:
        raise UnreadableError(f"the journey cannot be read ({error}); see `./demo status`") from error
    own = _own_traces(found, order_id)
    if not own:
        raise UnknownOrderError(f"no topic has a record of {order_id}")
    steps = [_step(each, positions) for each in found if each.trace in own]
    return sorted(steps, key=lambda step: (step.committed, step.stored))


def _placed_ms(order_id: str) -> int:
    """When the order was placed, in milliseconds since 1970: its id says it."""
    instance, _, ulid = order_id.rpartition("-")
    if not instance or len(ulid) != _ULID_LENGTH:
        raise UsageError(
            f"{order_id!r} is no id of an order; one looks like order-2-01J8ZK3V9Q6T4M2W1X0Y5R7N8P"
        )
    try:
        return int(ulid_to_timestamp(ulid))
    except ValueError as error:
        raise UsageError(f"{order_id!r} is no id of an order: {error}") from error


async def _records(
    order_id: str, topics: Iterable[str], *, client: Mapping[str, Any], since_ms: int
) -> list[_Found]:
    """The records since then, up to the ends as they are now; those of foreign traces as far as they are left out."""
    found: list[_Found] = []
    with lenient_decoding():
        async with AIOKafkaConsumer(
            *topics,
            **client,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
        ) as consumer:
            left = await _seek(consumer, since_ms - _EARLIER_MS)
            empty = 0
            while left and empty < _PATIENCE:
                arrived = await consumer.getmany(*left, timeout_ms=_POLL_MS)
                empty = 0 if arrived else empty + 1
                for records in arrived.values():
                    found += [_Found(record, _texts(record.headers)) for record in records]
                found = _of_one_trace(found, order_id)
                left = {p: end for p, end in left.items() if await consumer.position(p) < end}
    return found


def _of_one_trace(found: Sequence[_Found], order_id: str) -> list[_Found]:
    """Keep what can still belong: once the order's first record is known, only its traces do."""
    own = _own_traces(found, order_id)
    return [each for each in found if each.trace in own] if own else list(found)


def _own_traces(found: Sequence[_Found], order_id: str) -> set[str]:
    """The traces of the records that have the order's key."""
    return {each.trace for each in found if order_id.encode() in (each.record.key or b"")} - {""}


async def _seek(consumer: AIOKafkaConsumer, since_ms: int) -> dict[TopicPartition, int]:
    """Place the consumer; gives the end, as it is now, of each partition that has something since then."""
    partitions = consumer.assignment()
    begins = await consumer.offsets_for_times(dict.fromkeys(partitions, since_ms))
    ends = await consumer.end_offsets(partitions)
    left = {}
    for partition, begin in begins.items():
        if begin is not None and begin.offset < ends[partition]:
            consumer.seek(partition, begin.offset)
            left[partition] = ends[partition]
    return left


def _texts(headers: Sequence[tuple[str, bytes | None]]) -> dict[str, str]:
    return {name: (value or b"").decode("utf-8", "replace") for name, value in headers}


def _step(found: _Found, positions: Mapping[tuple[str, int], Mapping[str, int]]) -> Step:
    record, headers = found.record, found.headers
    stored = datetime.fromtimestamp(record.timestamp / 1000, UTC)
    readers = positions.get((record.topic, record.partition), {})
    return Step(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        kind=headers.get("ce_type", "?"),
        instance=headers.get("ce_source", "?").rpartition("/")[2],
        trace=found.trace,
        committed=datetime.fromisoformat(headers["ce_time"]) if "ce_time" in headers else stored,
        stored=stored,
        readers={name: record.offset < position for name, position in readers.items()},
    )


async def _positions(catalog_url: str, access: Mapping[str, Any]) -> dict[tuple[str, int], dict[str, int]]:
    """How far each connector is, by topic and partition."""
    async with httpx.AsyncClient(base_url=catalog_url, timeout=5, trust_env=False, **access) as http:
        answer = await http.get("/sync")
    answer.raise_for_status()
    found: dict[tuple[str, int], dict[str, int]] = {}
    for progress in answer.json()["connectors"]:
        for each in progress["partitions"]:
            place = (progress["topic"], each["partition"])
            found.setdefault(place, {})[progress["connector"]] = each["next_offset"]
    return found
