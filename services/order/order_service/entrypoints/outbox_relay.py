"""The relay: publishes the outbox in commit order, at least once.

It wakes at once after a commit. When Kafka fails it goes back to the last position that was acknowledged and goes on
with a new producer, so a record may be sent twice but never left out, and the order per key holds from any point on.
Records that Kafka refuses while it takes others - their topic does not exist, they are too large, a hand has made their
row unreadable - are set aside in the database before the position passes them, and tried again.

The newest producer fences off every earlier one of the same outbox, so that a request of one that was given up or
killed cannot put an old version behind a newer one (docs/adr/0023). Two relays on one outbox take turns in that: they
double records and do no other harm, since consumers drop by `version`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from time import monotonic

import structlog
from aiokafka.errors import KafkaError
from prometheus_client import Counter, Gauge

from order_service.adapters.kafka.publisher import Publisher, RefusedError
from order_service.adapters.outbox_reader import OutboxReader, is_topic_name
from order_service.domain.errors import DomainError
from order_service.service_layer.backlog import Backlog
from order_service.service_layer.errors import StorageError
from order_service.service_layer.outbox_log import LoggedRecord, LogPosition, RecordAside, Refused

log = structlog.get_logger()

PUBLISHED = Counter("order_outbox_published_total", "Records acknowledged by Kafka")
RESTARTS = Counter(
    "order_relay_restarts_total", "Times the relay went back to its position with a new producer"
)
SET_ASIDE = Gauge(
    "order_outbox_set_aside",
    "Records that the relay has passed: Kafka refuses them for now, or their rows are unreadable",
    ["topic"],
)

BATCH = 2_000
IDLE_S = 1.0  # how often an idle relay looks for rows that another process has committed
HELD_BACK_FIRST_S = 0.002  # how soon it looks again for rows that a transaction under way holds back
HELD_BACK_MOST_S = 0.1
MARK_EVERY_S = 1.0
RETRY_FIRST_S = 0.1
RETRY_MOST_S = 1.0  # brokers that are away are asked at no cost, and used soon after they are back
SET_ASIDE_EVERY_S = 2.0  # how often topics with records set aside are looked for
TOO_LARGE_EVERY_S = 60.0  # and how often a record that was too large is tried again
UNREADABLE_EVERY_S = 60.0  # how often rows that no record could be read from are, a hand may have mended them
PRODUCER_LIFE_S = 24 * 3600.0
"""A producer is replaced after that: brokers forget an identity for which none was made in seven days."""


def retry_pause_s(failures: int) -> float:
    """Doubles from `RETRY_FIRST_S` up to `RETRY_MOST_S`."""
    return min(RETRY_FIRST_S * 2.0 ** max(failures - 1, 0), RETRY_MOST_S)


@dataclass(slots=True, kw_only=True)
class Relay:
    """`serve` publishes, `mark` stores the position; both are tasks of their own. `name` is the position's key."""

    name: str
    reader: OutboxReader
    backlog: Backlog
    publishers: Callable[[], AbstractAsyncContextManager[Publisher]]
    note: Callable[[LogPosition], Awaitable[None]]
    set_aside: Callable[[Sequence[Refused]], Awaitable[None]]
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    time: Callable[[], float] = monotonic
    position: LogPosition = field(default_factory=LogPosition)
    """Up to here everything is in Kafka, once `began`."""
    began: bool = False
    """The position that was stored has been read."""
    connected: bool = False
    _noted: LogPosition = field(default_factory=LogPosition)
    _failures: int = 0
    _held_back_s: float = HELD_BACK_FIRST_S
    _closed_topics: dict[str, str] = field(default_factory=dict)
    """Topics that do not take anything, and why: what is for them is set aside without asking."""
    _singly_until: LogPosition = field(default_factory=LogPosition)
    """Up to here records go one by one, to find the one that is too large."""
    _look_again_at: float = 0.0
    _look_at_unreadable_at: dict[str, float] = field(default_factory=dict)
    """When to look again at the rows under a name that were unreadable."""
    _last_tried: str = ""
    """The name of a topic whose records set aside were tried last, in a round that was not ended."""
    _too_large: dict[LogPosition, str] = field(default_factory=dict)
    """Records that are to be set aside, and why."""
    _try_again_at: dict[LogPosition, float] = field(default_factory=dict)
    """When to try the records that were too large again."""
    _set_aside_singly: bool = False
    """Records set aside are tried one by one, to find the one that is too large."""

    async def serve(self) -> None:
        """Publish until cancelled."""
        while True:
            try:
                if not self.began:
                    self.position = self._noted = await self.reader.relayed(self.name)
                    self.began = True
                    self.backlog.recounted(await self.reader.pending(self.position))
                async with self.publishers() as publisher:
                    self.connected = True
                    await self._publish(publisher)
            except RefusedError as error:
                self._refused(error)
            except (KafkaError, TimeoutError, OSError, StorageError, DomainError) as error:
                self._failures += 1
                RESTARTS.inc()
                log.warning(
                    "relay.restarted", error=repr(error), failures=self._failures, position=self.position.id
                )
            except Exception:  # a defect here must not take the instance's commands along
                self._failures += 1
                RESTARTS.inc()
                log.exception("relay.failed", failures=self._failures, position=self.position.id)
            finally:
                self.connected = False
            await self.sleep(retry_pause_s(self._failures))

    async def mark(self) -> None:
        """Store the position every now and then: what is published again after a crash is bounded by it."""
        while True:
            await self.sleep(MARK_EVERY_S)
            await self.mark_now()

    async def mark_now(self) -> None:
        """Store the position, if it has moved. What the database does not take is tried again with the next."""
        position = self.position
        if position == self._noted:
            return
        try:
            await self.note(position)
            self._noted = position
        except (StorageError, DomainError) as error:
            log.warning("relay.mark_failed", error=str(error), position=position.id)

    async def drain(self, *, timeout_s: float) -> None:
        """Give the relay time to publish what is committed. For a graceful stop."""
        deadline = self.time() + timeout_s
        while self.backlog.pending and self.connected and self.time() < deadline:
            await self.sleep(0.01)

    async def _publish(self, publisher: Publisher) -> None:
        """Until the publisher has done its time and nothing is on its way."""
        renew_at = self.time() + PRODUCER_LIFE_S
        records = await self._after(self.position)
        while records or self.time() < renew_at:
            if self.time() >= self._look_again_at:
                await self._retry_set_aside(publisher)
            if not records:
                await self._wait()
                records = await self._after(self.position)
                continue
            sent, end = len(records), records[-1].position
            taken = await self._without_refused(records)
            # What is behind them is read while they are on their way; they are acknowledged before it is sent.
            if sent == BATCH or self.backlog.pending > sent:
                _, records = await asyncio.gather(publisher.publish(taken), self._after(end))
            else:
                if taken:
                    await publisher.publish(taken)
                records = []
            self._passed(sent, end)
            PUBLISHED.inc(len(taken))
            self._failures = 0

    def _passed(self, count: int, end: LogPosition) -> None:
        self.position = end
        self.backlog.published(count)

    async def _after(self, position: LogPosition) -> list[LoggedRecord]:
        return await self.reader.after(position, limit=1 if position < self._singly_until else BATCH)

    async def _wait(self) -> None:
        """Until the next commit; sooner when rows are held back, later when nothing happens at all."""
        held_back = self.backlog.pending > 0
        if await self.backlog.grown(timeout_s=self._held_back_s if held_back else IDLE_S):
            self._held_back_s = HELD_BACK_FIRST_S
            return
        self._held_back_s = min(self._held_back_s * 2, HELD_BACK_MOST_S)
        self.backlog.recounted(await self.reader.pending(self.position))

    async def _without_refused(self, records: Sequence[LoggedRecord]) -> Sequence[LoggedRecord]:
        """Set aside what Kafka does not take; the rest."""
        if not self._closed_topics and not self._too_large and not any(each.defect for each in records):
            return records
        taken, refused = [], []
        for record in records:
            reason = (
                record.defect
                or self._closed_topics.get(record.topic)
                or self._too_large.pop(record.position, None)
            )
            if reason is None:
                taken.append(record)
            else:
                refused.append(Refused(record, reason))
        if refused:
            for each in refused:
                if each.record.defect:
                    log.error("relay.record_unreadable", id=each.record.position.id, reason=each.reason)
            await self.set_aside(refused)
        return taken

    def _refused(self, error: RefusedError) -> None:
        """Others must not wait for what Kafka refuses: remember its topic, or look for the one record."""
        first, last, now = error.records[0], error.records[-1], self.time()
        log.error("relay.refused", topic=first.topic, records=len(error.records), reason=error.reason)
        if error.whole_topic:
            self._closed_topics[first.topic] = error.reason
        elif len(error.records) == 1:
            self._try_again_at[first.position] = now + TOO_LARGE_EVERY_S
            if first.position > self.position:
                self._too_large[first.position] = error.reason
        elif last.position > self.position:
            self._singly_until = max(self._singly_until, last.position)
        else:
            self._set_aside_singly = True

    async def _retry_set_aside(self, publisher: Publisher) -> None:
        """Publish what was set aside, topic by topic, as far as Kafka takes it now."""
        now = self.time()
        self._look_again_at = now + SET_ASIDE_EVERY_S
        topics = await self.reader.set_aside_topics()
        SET_ASIDE.clear()
        for name, count in topics.items():
            SET_ASIDE.labels(name).set(count)
        missing: dict[str, str | None] = {}
        for name in self._behind_the_last_tried([*dict.fromkeys((*topics, *self._closed_topics))]):
            # What stands under a name that no topic has may be mended since, and be for any topic.
            is_topic = is_topic_name(name)
            if is_topic:
                missing[name] = await publisher.missing(name)
                if reason := missing[name]:
                    self._closed_topics[name] = reason
                    continue
            # As a topic opens, too: a row that was mended meanwhile goes before those of its key that came later.
            unreadable = now >= self._look_at_unreadable_at.get(name, 0.0) or name in self._closed_topics
            if unreadable or is_topic:
                self._last_tried = name
                await self._send_set_aside(name, publisher, missing, unreadable=unreadable)
            if unreadable:
                self._look_at_unreadable_at[name] = now + UNREADABLE_EVERY_S
            self._closed_topics.pop(name, None)
        self._last_tried = ""
        self._set_aside_singly = False
        self._look_at_unreadable_at = {
            name: at for name, at in self._look_at_unreadable_at.items() if name in topics
        }

    def _behind_the_last_tried(self, names: list[str]) -> list[str]:
        """Those behind the name whose records were refused come first: a topic that takes nothing keeps no other waiting."""
        begin = names.index(self._last_tried) + 1 if self._last_tried in names else 0
        return names[begin:] + names[:begin]

    async def _send_set_aside(
        self, name: str, publisher: Publisher, missing: dict[str, str | None], *, unreadable: bool
    ) -> None:
        """Publish what was set aside under the name. `missing` says of topics what `publisher.missing` has said."""
        place = LogPosition(-(2**63), 0)  # a hand may have made it anything
        while found := await self.reader.set_aside(name, after=place, limit=BATCH, unreadable=unreadable):
            place = found[-1].place
            due = []
            for each in self._due(found):
                topic = each.record.topic
                if topic not in missing:
                    missing[topic] = await publisher.missing(topic)
                if missing[topic] is None:
                    due.append(each)
            step = 1 if self._set_aside_singly else BATCH
            for first in range(0, len(due), step):
                share = due[first : first + step]
                await publisher.publish([each.record for each in share])
                await self.reader.forget_set_aside(share)
                log.info("relay.set_aside_published", topic=name, records=len(share))
                PUBLISHED.inc(len(share))

    def _due(self, found: Sequence[RecordAside]) -> list[RecordAside]:
        """Those that are to be tried now."""
        now = self.time()
        return [
            each
            for each in found
            if each.record.defect is None and self._try_again_at.get(each.record.position, 0.0) <= now
        ]
