"""A lack of memory is the process's, never a record's, a row's or a token's: nothing is passed over or set aside for it."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any

import asyncpg
import pytest
from aiokafka import ConsumerRecord

from catalog_service.changefeed import change, topic_reader
from catalog_service.changefeed.topic_consumer import Record
from catalog_service.http import authentication as catalog_authentication
from order_service.adapters import outbox_reader
from order_service.adapters.kafka.decoding import Nothing, incoming
from order_service.adapters.mappers import Mapper
from order_service.adapters.postgres.errors import translated
from order_service.entrypoints.http import authentication as order_authentication
from order_service.service_layer.apply_once import ApplyOnce
from order_service.service_layer.use_cases.send_reminders import SendReminders
from sink_connector.cluster.compacted_topic import CompactedTopic
from sink_connector.cluster.config_store import ConnectorSpec, TargetState
from sink_connector.cluster.connector_cache import ConnectorCache
from sink_connector.config.parser import parse_connector
from sink_connector.config.worker import StorageTopic
from sink_connector.converters.registry.wire import RegisteredSchema, RegistryConverter
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.dead_letters.topic import DeadLetterTopic
from sink_connector.errors import BadRecordError
from sink_connector.runtime.connector_definition import _problems_of
from tests.support.virtual_time import run_in_virtual_time
from tests.support.waiting import wait_until
from tests.support.wire_format import framed
from tests.unit.sink.sink.test_buffer import Source

SPEC = ConnectorSpec(name="c", config={}, target=TargetState.STARTED, tasks=1, revision=1)
RECORD = ConsumerRecord("t", 0, 7, 0, 0, b"k", b"{}", None, 0, 0, ())


def no_memory(*_arguments: Any, **_options: Any) -> Any:
    raise MemoryError


class NeedingMore(Nothing):
    """An effect that finds no memory."""

    decide = no_memory


def read_a_row_of_the_outbox(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(outbox_reader, "_headers", no_memory)
    reader = outbox_reader.OutboxReader(database=SimpleNamespace(), instance="order-1")
    reader._records([(0, 1, "orders", b"k", b"v", "{}")])  # noqa: SLF001 - what all its reading ends in


def read_a_row_of_a_table(_patch: pytest.MonkeyPatch) -> None:
    Mapper("orders", {"order_id": str}, tuple, no_memory).read(("o",))


def read_a_message(_patch: pytest.MonkeyPatch) -> None:
    incoming(RECORD, no_memory)


def apply_a_message(_patch: pytest.MonkeyPatch) -> None:
    nothing_stored: Any = SimpleNamespace(get=lambda *_: None, savepoint=nullcontext, trace="")
    ApplyOnce([incoming(RECORD, lambda *_: NeedingMore())]).decide(nothing_stored)


def remind(_patch: pytest.MonkeyPatch) -> None:
    stored: Any = SimpleNamespace(get=no_memory, savepoint=nullcontext)
    SendReminders(("o",)).decide(stored)


def show_a_change(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(change, "_DECODERS", {"orders": SimpleNamespace(decode=no_memory)})
    change.read_change(
        topic="orders", partition=0, offset=0, value=b"{}", kind="k", timestamp_ms=0, seen_ms=0
    )


def send_a_value_to_postgresql(_patch: pytest.MonkeyPatch) -> None:
    error = asyncpg.DataError("invalid input for query argument $1")
    error.__cause__ = MemoryError()  # as the driver has it
    with translated():
        raise error


def read_a_configuration(_patch: pytest.MonkeyPatch) -> None:
    ConnectorCache(no_memory).of(SPEC)


def check_a_configuration(_patch: pytest.MonkeyPatch) -> None:
    _problems_of("connection.url", no_memory)


def read_an_entry_of_a_storage_topic(_patch: pytest.MonkeyPatch) -> None:
    stored = CompactedTopic(
        StorageTopic(setting="config.storage.topic", name="t", partitions=1, replication_factor=1), client={}
    )
    stored._apply = no_memory  # noqa: SLF001 - what `open` is given
    stored._read(RECORD)  # noqa: SLF001 - without brokers


def use_a_schema(_patch: pytest.MonkeyPatch) -> None:
    converter = RegistryConverter(source=SimpleNamespace(), kind="TEXT", compile_schema=no_memory)
    converter._admit(1, RegisteredSchema(kind="TEXT", text=""))  # noqa: SLF001 - what fetching one ends in
    converter.decode("t", framed(1, b""), ())


def read_a_token(authentication: ModuleType) -> Callable[[pytest.MonkeyPatch], None]:
    def read(patch: pytest.MonkeyPatch) -> None:
        patch.setattr(authentication.jwt, "decode", no_memory)
        verifier = authentication.TokenVerifier(issuer="i", audience="a", client=SimpleNamespace())
        verifier._keys = object()  # noqa: SLF001 - as if the issuer had been asked
        verifier._read("token")  # noqa: SLF001 - what reading one ends in

    return read


@pytest.mark.guarantees("G-RELAY-3")
@pytest.mark.parametrize(
    "work",
    [
        read_a_row_of_the_outbox,
        read_a_row_of_a_table,
        read_a_message,
        apply_a_message,
        remind,
        send_a_value_to_postgresql,
        show_a_change,
        read_a_configuration,
        check_a_configuration,
        read_an_entry_of_a_storage_topic,
        use_a_schema,
        read_a_token(order_authentication),
        read_a_token(catalog_authentication),
    ],
    ids=lambda work: work.__name__,
)
def test_what_finds_no_memory_blames_nothing_it_works_on(
    work: Callable[[pytest.MonkeyPatch], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(MemoryError):
        work(monkeypatch)


def test_the_catalog_reads_a_change_again_that_it_found_no_memory_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[int] = []
    changes: Any = SimpleNamespace(seen=seen.append)
    reader = topic_reader.TopicReader(
        "", topics={"orders": "orders"}, changes=changes, known=asyncio.Event(), unreadable=no_memory
    )
    reader._next["orders", 0] = 7  # noqa: SLF001 - as if it had begun there
    records = [
        Record(topic="orders", partition=0, offset=each, key=b"k", value=b"{}", headers=(), timestamp_ms=0)
        for each in (7, 8)
    ]
    monkeypatch.setattr(topic_reader, "read_change", no_memory)
    with pytest.raises(MemoryError):
        reader._hand_over(records)  # noqa: SLF001 - what a poll ends in
    monkeypatch.setattr(topic_reader, "read_change", lambda *, offset, **_: offset)
    reader._hand_over(records)  # noqa: SLF001 - as above
    assert seen == [7, 8]


def test_a_letter_for_the_dead_letter_topic_is_sent_once_there_is_memory_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = parse_connector(
        {
            "name": "c",
            "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
            "connection.url": "postgresql://h/d",
            "topics": "t",
            "errors.tolerance": "all",
            "errors.deadletterqueue.topic.name": "letters",
        }
    )
    skipped, sent, attempts = list[str](), list[DeadLetter](), iter((no_memory, None))

    async def started(_topic: DeadLetterTopic) -> None:
        if find := next(attempts):
            find()

    async def send_all(topic: DeadLetterTopic, _producer: object, letters: Sequence[DeadLetter]) -> None:
        for letter in letters:
            sent.append(letter)
            topic._done(letter)  # noqa: SLF001 - as the method does whose place this takes

    monkeypatch.setattr(DeadLetterTopic, "_started", started)
    monkeypatch.setattr(DeadLetterTopic, "_send_all", send_all)
    letter = DeadLetter.of(Source(offset=0), BadRecordError("bad"))

    async def scene() -> None:
        topic = DeadLetterTopic(config.errors, client={}, connector="c", task=0)
        topic.skipped = lambda reason, _count: skipped.append(reason)
        topic.send([letter])
        await wait_until(lambda: sent or skipped, what="it is sent")
        await topic.close()

    run_in_virtual_time(scene())
    assert (sent, skipped) == ([letter], [])


async def test_the_catalog_s_reader_ends_for_want_of_memory_and_for_nothing_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    errors: list[Exception] = [ValueError(), MemoryError()]

    async def read(_reader: topic_reader.TopicReader) -> None:
        raise ExceptionGroup("of its tasks", [errors.pop(0)])

    async def at_once(_seconds: float) -> None:
        await asyncio.sleep(0)

    changes: Any = SimpleNamespace(wants=lambda _partition: True)
    reader = topic_reader.TopicReader("", topics={}, changes=changes, known=asyncio.Event(), sleep=at_once)
    monkeypatch.setattr(topic_reader.TopicReader, "_read", read)
    with pytest.raises(ExceptionGroup) as ended:
        await reader.run()
    assert ended.value.subgroup(MemoryError) is not None
    assert errors == []
