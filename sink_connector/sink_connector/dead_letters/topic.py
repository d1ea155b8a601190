"""`errors.deadletterqueue.topic.name`: dead letters are sent there too, with Connect's headers.

The table is the truth, written with the batch; the topic follows it. It is filled by a task of its own, so that brokers
that are away delay nobody, and what it cannot take stays in the table alone.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    RecordListTooLargeError,
    TopicAlreadyExistsError,
    UnknownError,
)

from sink_connector.config.connector import ErrorsConfig
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.new_topics import new_topic
from sink_connector.producers import close_producer

log = structlog.get_logger()

PREFIX = "__connect.errors."
TOO_LARGE = (MessageSizeTooLargeError, RecordListTooLargeError)
# What a broker says of a record that it will never take. aiokafka does not know all of it: that a compacted topic takes none
# without a key is one of the unknown ones.
REFUSED = (*TOO_LARGE, UnknownError)
MOST_BYTES = 16 * 1024 * 1024  # of dead letters that wait for the topic; beyond it only the table has them
MOST_TOGETHER = 100  # sent before their answers are waited for
LONGEST_REQUEST = 64 * 1024 * 1024  # before compression; how much the topic takes is the broker's to say
SEND_S = 20.0
RETRY_S = 1.0
CLOSE_S = 1.5  # within which what waits is still sent when the task ends

Skipped = Callable[[str, int], None]


class DeadLetterTopic:
    """Sends the dead letters of one task. The producer is made with the first one.

    `skipped(reason, count)` is called for those that only the table has: `too_large`, `refused`, `queue_full`,
    `shutdown`, or the class of another error.
    """

    def __init__(
        self,
        config: ErrorsConfig,
        *,
        client: Mapping[str, Any],
        connector: str,
        task: int,
    ) -> None:
        self._config = config
        self._client = dict(client)
        self._connector = connector
        self._task = task
        self.skipped: Skipped = lambda _reason, _count: None
        self._producer: AIOKafkaProducer | None = None
        self._waiting: deque[DeadLetter] = deque()
        self._bytes = 0
        self._sending: asyncio.Task[None] | None = None

    def send(self, stored_dead_letters: Sequence[DeadLetter]) -> None:
        """Have dead letters sent that are committed to the table; returns at once."""
        if not self._config.dead_letter_topic:
            return
        refused = 0
        for letter in stored_dead_letters:
            if self._bytes + letter.size > MOST_BYTES:
                refused += 1
                continue
            self._bytes += letter.size
            self._waiting.append(letter)
        if refused:
            self._skip("queue_full", refused)
        if self._waiting and (self._sending is None or self._sending.done()):
            self._sending = asyncio.create_task(
                self._run(), name=f"{self._connector}-{self._task}-dead-letters"
            )

    async def close(self) -> None:
        """Send what can be sent within `CLOSE_S`, then stop."""
        sending, self._sending = self._sending, None
        if sending is not None:
            await asyncio.wait([sending], timeout=CLOSE_S)
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
        if self._waiting:
            self._skip("shutdown", len(self._waiting))
            self._waiting.clear()
            self._bytes = 0
        await self._stop_producer()

    async def _run(self) -> None:
        """Until nothing waits. Brokers that are away are waited for."""
        while self._waiting:
            some = [self._waiting[place] for place in range(min(MOST_TOGETHER, len(self._waiting)))]
            try:
                async with asyncio.timeout(SEND_S):
                    await self._send_all(await self._started(), some)
            except (KafkaError, OSError, MemoryError) as error:
                log.warning(
                    "dead_letter_topic.send_failed",
                    connector=self._connector,
                    error=str(error) or type(error).__name__,
                )
                await self._stop_producer()  # one that failed may never send again; the next one is new
                await asyncio.sleep(RETRY_S)
            except Exception as error:  # noqa: BLE001 - whatever else is wrong with one may not hold up the others
                self._done(self._waiting[0])
                self._skip(type(error).__name__, 1)

    def _done(self, letter: DeadLetter) -> None:
        self._waiting.popleft()
        self._bytes -= letter.size

    async def _send_all(self, producer: AIOKafkaProducer, stored_dead_letters: Sequence[DeadLetter]) -> None:
        """Send them together, and those that failed once more alone: one that is refused fails all that travel with it."""
        futures = [await self._sent(producer, letter) for letter in stored_dead_letters]
        answers = await asyncio.gather(*futures, return_exceptions=True)
        for letter, answer in zip(stored_dead_letters, answers, strict=True):
            if isinstance(answer, REFUSED):
                await self._send_alone(producer, letter)
            elif isinstance(answer, BaseException):
                raise answer
            self._done(letter)

    async def _send_alone(self, producer: AIOKafkaProducer, letter: DeadLetter) -> None:
        try:
            await (await self._sent(producer, letter))
        except REFUSED as error:
            log.warning(
                "dead_letter_topic.record_skipped",
                connector=self._connector,
                topic=letter.source.topic,
                partition=letter.source.partition,
                offset=letter.source.offset,
                error=type(error).__name__,
            )
            self._skip("too_large" if isinstance(error, TOO_LARGE) else "refused", 1)

    async def _sent(self, producer: AIOKafkaProducer, letter: DeadLetter) -> Awaitable[Any]:
        source = letter.source
        topic = self._config.dead_letter_topic
        context = self._context(letter) if self._config.dead_letter_headers else ()
        headers = [*((_text(name), value) for name, value in source.headers), *context]
        try:
            if source.key is None and source.value is None:
                return await _send_nothing(producer, topic, headers)
            found: Awaitable[Any] = await producer.send(topic, source.value, key=source.key, headers=headers)
        except MessageSizeTooLargeError as error:
            found = asyncio.get_running_loop().create_future()
            found.set_exception(error)
        return found

    def _skip(self, reason: str, count: int) -> None:
        self.skipped(reason, count)
        log.warning(
            "dead_letters.not_sent", connector=self._connector, task=self._task, reason=reason, count=count
        )

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            await self._create_topic()
            producer = AIOKafkaProducer(
                **self._client, acks="all", compression_type="gzip", max_request_size=LONGEST_REQUEST
            )
            await producer.start()
            self._producer = producer
        return self._producer

    async def _stop_producer(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await close_producer(producer, within_s=CLOSE_S)

    async def _create_topic(self) -> None:
        """Unless it is there. Who may only write to it is refused its creation all the same."""
        admin = AIOKafkaAdminClient(**self._client)
        name = self._config.dead_letter_topic
        try:
            await admin.start()
            with suppress(TopicAlreadyExistsError):
                wanted = new_topic(name, partitions=1, replication=self._config.dead_letter_replication)
                answer = await admin.create_topics([wanted])
                for _, code, *message in answer.topic_errors:
                    if code not in {0, TopicAlreadyExistsError.errno} and not await _exists(admin, name):
                        raise KafkaError(f"topic {name} cannot be created: {message}")
        finally:
            await admin.close()

    def _context(self, letter: DeadLetter) -> list[tuple[str, bytes]]:
        """The headers of Connect's `DeadLetterQueueReporter`."""
        values = {
            "topic": letter.source.topic,
            "partition": letter.source.partition,
            "offset": letter.source.offset,
            "connector.name": self._connector,
            "task.id": self._task,
            "stage": letter.stage.value,
            "class.name": "sink_connector",
            "exception.class.name": letter.error_class,
            "exception.message": letter.error,
            "exception.stacktrace": f"{letter.error_class}: {letter.error}",
        }
        return [
            (PREFIX + name, str(value).encode("utf-8", "backslashreplace")) for name, value in values.items()
        ]


async def _exists(admin: AIOKafkaAdminClient, topic: str) -> bool:
    [found] = await admin.describe_topics([topic])
    return bool(found["error_code"] == 0)


async def _send_nothing(
    producer: AIOKafkaProducer, topic: str, headers: Sequence[tuple[str, bytes]]
) -> Awaitable[Any]:
    """Send a record without key and value, which `AIOKafkaProducer.send` does not take."""
    batch = producer.create_batch()
    batch.append(key=None, value=None, timestamp=None, headers=headers)
    partition = min(await producer.partitions_for(topic))
    sent: Awaitable[Any] = await producer.send_batch(batch, topic, partition=partition)
    return sent


def _text(name: str) -> str:
    r"""The name of a header as the producer takes it: UTF-8, with what was not shown as `\xff`."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
