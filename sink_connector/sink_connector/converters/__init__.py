"""From the bytes of Kafka to a value with its schema: one converter for the keys of a connector, one for the values."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

from sink_connector.data.record import Schema
from sink_connector.data.record_schema import RecordSchema

RawHeaders = Sequence[tuple[str, bytes]]
Read = tuple[RecordSchema | None, Any]
Columns = tuple[list[RecordSchema | None], list[Any]]  # the shapes and the values of neighbours


class Decoded(NamedTuple):
    """A value in the Python form of `record.py` and its schema; no schema means schemaless."""

    schema: Schema | None
    value: Any


class Converter(Protocol):
    """Connect's `Converter.toConnectData`.

    Called for every record, in the order of each partition, in the event loop: it must neither block nor wait. What a
    converter needs from outside (a registry's schema) it asks for in `prepare`. Raises `BadRecordError` when these bytes cannot be converted, whatever is done again.
    """

    def decode(self, topic: str, data: bytes | None, headers: RawHeaders) -> Decoded:
        """The value with its schema. Raises `BadRecordError` for bytes that cannot be converted."""
        ...


@runtime_checkable
class PreparingConverter(Protocol):
    """A converter that may have to fetch something before it can decode."""

    async def prepare(self, topic: str, data: Sequence[bytes | None]) -> None:
        """Fetch what `decode` will need for these values of one topic.

        Raises `OSError` when that is unreachable (the task retries); what the registry says does not exist is left for `decode` to report record by record.
        """


@runtime_checkable
class CompiledReader(Protocol):
    """A converter that can also go straight from the bytes to what the writer takes apart.

    That is done where no transform has to see the record in between.
    """

    def read(self, data: bytes) -> Read:
        """The shape and the value; None and None for a null. Raises `BadRecordError` as `decode` does."""

    def read_all(self, data: Sequence[bytes | None]) -> Columns:
        """What `read` gives for each of these, None and None for None. Raises `BadRecordError` when one cannot be read."""


def read_each(read: Callable[[bytes], Read], data: Sequence[bytes | None]) -> Columns:
    """`CompiledReader.read_all` by reading one after the other."""
    found = [(None, None) if each is None else read(each) for each in data]
    return [shape for shape, _ in found], [value for _, value in found]
