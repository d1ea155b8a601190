"""A converted record on its way to a table."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from sink_connector.data.record_schema import RecordSchema


class SourceRecord(Protocol):
    """A record as it stood in Kafka, with its original bytes (aiokafka's `ConsumerRecord` is one)."""

    @property
    def topic(self) -> str:
        """The topic it was read from."""
        ...

    @property
    def partition(self) -> int:
        """The partition it was read from."""
        ...

    @property
    def offset(self) -> int:
        """Its place in the partition."""
        ...

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, -1 for none."""
        ...

    @property
    def key(self) -> bytes | None:
        """The bytes of the key."""
        ...

    @property
    def value(self) -> bytes | None:
        """The bytes of the value."""
        ...

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and bytes, in their order."""
        ...


class WriteRecord(NamedTuple):
    """A record's converted key and value; `source` is where it came from, whatever transforms did.

    A shape of None means no schema: the value is then None (a tombstone), or schemaless.
    """

    source: SourceRecord
    key_shape: RecordSchema | None
    key: Any
    shape: RecordSchema | None
    value: Any
    headers: Sequence[tuple[str, Any]] | None = None  # those a transform left; None: the source's own
