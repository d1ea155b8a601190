"""A lack of memory is the process's, never a record's, a row's or a token's: nothing is passed over or set aside for it."""

from collections.abc import Callable
from contextlib import nullcontext
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from catalog_service.changefeed import change
from catalog_service.http import authentication as catalog_authentication
from order_service.adapters import outbox_reader
from order_service.adapters.kafka.decoding import Nothing, incoming
from order_service.adapters.mappers import Mapper
from order_service.entrypoints.http import authentication as order_authentication
from order_service.service_layer.apply_once import ApplyOnce
from order_service.service_layer.use_cases.send_reminders import SendReminders
from sink_connector.cluster.compacted_topic import CompactedTopic
from sink_connector.config.worker import StorageTopic
from sink_connector.converters.registry.wire import RegisteredSchema, RegistryConverter
from tests.support.wire_format import framed

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
        show_a_change,
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
