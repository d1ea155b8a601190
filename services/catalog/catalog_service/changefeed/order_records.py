"""The records of one order as they lie in Kafka, looked up when somebody asks for them.

Nobody keeps where an order's records are. But its id says when it was placed, Kafka finds the first record since a time,
and all records of one key are in one partition: so it is read from there on, and never more than `bound` records.
"""

import asyncio
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from catalog_service.changefeed.topic_consumer import (
    Assigned,
    KafkaUnavailableError,
    Record,
    TopicConsumer,
)
from catalog_service.records import record_key

_ALIKE_MS = 5_000  # how far the clocks of an instance and of a relay may differ
_AT_ONCE = 4
_PATIENCE_S = 3.0
_BOUND = 10_000
_MOST_FOUND = 20
_ULID_LENGTH = 26
_ULID_TIME = 10  # characters of it, 48 bits of milliseconds
# As `contracts/schemas/order.v1.json` has it; the time in it is 48 bits, so its first digit is 7 at most.
_ORDER_ID = re.compile(r"[a-z0-9-]+-[0-7][0-9A-HJKMNP-TV-Z]{25}")
# Crockford's digits as Python's `int` knows them.
_DIGITS = str.maketrans("0123456789ABCDEFGHJKMNPQRSTVWXYZ", "0123456789abcdefghijklmnopqrstuv")


class BusyError(Exception):
    """So many are looked up already that this one has to wait for another time."""


@dataclass(frozen=True, slots=True)
class Found:
    """Records in the order of their offsets. `complete`: when Kafka was asked it had no further ones of the order."""

    records: Sequence[Record]
    complete: bool


class OrderRecords:
    """Reads topic `topic` (Kafka's name) for one order at a time, four of them at once at most."""

    def __init__(
        self,
        bootstrap: str,
        *,
        topic: str,
        security: Callable[[], Mapping[str, Any]] = dict,
        bound: int = _BOUND,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """`bound` records are the most that are read for one order, and `patience_s` seconds the longest it takes."""
        self.topic = topic
        self._bootstrap = bootstrap
        self._security = security
        self._bound = bound
        self._patience_s = patience_s
        self._busy = 0

    async def find(self, order_id: str) -> Found:
        """The order's first records, about twenty at most. An id that no instance gives has none, and Kafka is not asked.

        Raises:
            BusyError: too many are looked up already.
            KafkaUnavailableError: no answer in time.
            UnreadablePartitionError: an answer that cannot be read, or is refused.
        """
        placed_ms = placed_at_ms(order_id)
        if placed_ms is None:
            return Found((), complete=True)
        search = _Search(order_id)
        with self._turn():
            try:
                async with asyncio.timeout(self._patience_s), self._consumer() as consumer:
                    await search.begin(consumer, since_ms=max(0, placed_ms - _ALIKE_MS))
                    await search.read(consumer, bound=self._bound)
            except TimeoutError as late:
                if not search.begun:
                    raise KafkaUnavailableError("no answer in time") from late
        return Found(search.found, complete=search.begun and not search.left)

    @contextmanager
    def _turn(self) -> Iterator[None]:
        if self._busy >= _AT_ONCE:
            raise BusyError(f"{_AT_ONCE} orders are looked up already")
        self._busy += 1
        try:
            yield
        finally:
            self._busy -= 1

    def _consumer(self) -> TopicConsumer:
        return TopicConsumer(self._bootstrap, [self.topic], security=self._security)


class _Search:
    """One reading, from a time to the ends as they are when it begins. `left`: those not come to yet, by partition."""

    def __init__(self, order_id: str) -> None:
        self.found: list[Record] = []
        self.left: dict[Assigned, int] = {}
        self.begun = False
        self._key = record_key(order_id)

    async def begin(self, consumer: TopicConsumer, *, since_ms: int) -> None:
        partitions = consumer.assigned()
        begins = await consumer.offsets_since(partitions, time_ms=since_ms)
        ends = await consumer.end_offsets(partitions)
        for partition, end in ends.items():
            begin = begins[partition]
            consumer.seek(partition, end if begin is None else begin)
            if begin is not None and begin < end:
                self.left[partition] = end
        self.begun = True

    async def read(self, consumer: TopicConsumer, *, bound: int) -> None:
        while self.left and bound > 0 and len(self.found) < _MOST_FOUND:
            consumer.pause_only(consumer.assigned() - self.left.keys())
            records = await consumer.poll()
            bound -= len(records)
            self.found += [each for each in records if self._is_of_order(each)]
            if self.found:  # all others are in the same partition
                own = (self.found[0].topic, self.found[0].partition)
                self.left = {each: end for each, end in self.left.items() if each == own}
            self.left = {each: end for each, end in self.left.items() if (consumer.position(each) or 0) < end}

    def _is_of_order(self, record: Record) -> bool:
        return record.key == self._key


def placed_at_ms(order_id: str) -> int | None:
    """When the order was placed, in milliseconds since 1970, as its id says; None for an id that no instance gives."""
    if not _ORDER_ID.fullmatch(order_id):
        return None
    return int(order_id[-_ULID_LENGTH:][:_ULID_TIME].translate(_DIGITS), 32)
