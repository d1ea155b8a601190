"""`errors.deadletterqueue.topic.name`: parked records are sent there too, with Connect's headers.

The table is the truth, written with the batch; the topic follows it. What could not be sent is sent with the next parked
records, as long as the task lives.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError

from sink_connector.config.connector import ErrorsConfig
from sink_connector.dead_letters.dead_letter import DeadLetter

log = structlog.get_logger()

PREFIX = "__connect.errors."
SEND_S = 20.0
MOST_UNSENT = 10_000  # letters kept for later; beyond it only the table has them


class DeadLetterTopic:
    """Sends the letters of one task. The producer is made with the first letter."""

    def __init__(self, config: ErrorsConfig, *, client: Mapping[str, Any], connector: str, task: int) -> None:
        self._config = config
        self._client = dict(client)
        self._connector = connector
        self._task = task
        self._producer: AIOKafkaProducer | None = None
        self._unsent: list[DeadLetter] = []

    async def send(self, letters: Sequence[DeadLetter]) -> None:
        """Send letters already committed to the table. Brokers that are away delay them, and fail nothing."""
        if not self._config.dead_letter_topic or not (letters or self._unsent):
            return
        self._unsent = [*self._unsent, *letters][-MOST_UNSENT:]
        try:
            async with asyncio.timeout(SEND_S):
                await self._send_all(await self._started(), self._unsent)
            self._unsent = []
        except (KafkaError, TimeoutError) as error:
            log.warning(
                "sink.dead-letter-topic.failed",
                connector=self._connector,
                error=str(error) or type(error).__name__,
            )
            await self.close()  # a producer that failed may never send again; the next one is new

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await asyncio.wait([asyncio.ensure_future(producer.stop())], timeout=3)

    async def _started(self) -> AIOKafkaProducer:
        if self._producer is None:
            await self._create_topic()
            producer = AIOKafkaProducer(**self._client, acks="all", enable_idempotence=True)
            await producer.start()
            self._producer = producer
        return self._producer

    async def _create_topic(self) -> None:
        admin = AIOKafkaAdminClient(**self._client)
        await admin.start()
        try:
            topic = NewTopic(self._config.dead_letter_topic, 1, self._config.dead_letter_replication)
            answer = await admin.create_topics([topic])
            for _, code, *message in answer.topic_errors:
                if code not in {0, TopicAlreadyExistsError.errno}:
                    raise KafkaError(f"topic {self._config.dead_letter_topic} cannot be created: {message}")
        except TopicAlreadyExistsError:
            pass
        finally:
            await admin.close()

    async def _send_all(self, producer: AIOKafkaProducer, letters: Sequence[DeadLetter]) -> None:
        sent = []
        for letter in letters:
            source = letter.source
            headers = [*source.headers, *(self._context(letter) if self._config.dead_letter_headers else ())]
            sent.append(
                await producer.send(
                    self._config.dead_letter_topic, source.value, key=source.key, headers=headers
                )
            )
        await asyncio.gather(*sent)

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
        return [(PREFIX + name, str(value).encode()) for name, value in values.items()]
