"""Records on their way to a table: as they stood in Kafka, and converted. Many of them are columns, not objects."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, fields
from itertools import compress
from operator import attrgetter, itemgetter
from typing import Any, NamedTuple, Protocol, overload

from sink_connector.data.record_schema import RecordSchema

_key = attrgetter("key")
_value = attrgetter("value")
_headers = attrgetter("headers")


class KafkaRecord(Protocol):
    """A record of a partition, with its original bytes (what aiokafka's decoder makes is one)."""

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


class SourceRecord(KafkaRecord, Protocol):
    """A record as it stood in Kafka, with its place."""

    @property
    def topic(self) -> str:
        """The topic it was read from."""
        ...

    @property
    def partition(self) -> int:
        """The partition it was read from."""
        ...


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A `SourceRecord`: a record and where it was read. Made only where single records are looked at."""

    topic: str
    partition: int
    _record: KafkaRecord

    @property
    def offset(self) -> int:
        """Its place in the partition."""
        return self._record.offset

    @property
    def timestamp(self) -> int:
        """Milliseconds since 1970, -1 for none."""
        return self._record.timestamp

    @property
    def key(self) -> bytes | None:
        """The bytes of the key."""
        return self._record.key

    @property
    def value(self) -> bytes | None:
        """The bytes of the value."""
        return self._record.value

    @property
    def headers(self) -> Sequence[tuple[str, bytes]]:
        """Names and bytes, in their order."""
        return self._record.headers


@dataclass(frozen=True, slots=True)
class ReadRecords:
    """Neighbours of one partition, in order; `keys` and `values` are their bytes, record by record."""

    topic: str
    partition: int
    records: Sequence[KafkaRecord]
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]

    @classmethod
    def of(cls, topic: str, partition: int, records: Sequence[KafkaRecord]) -> "ReadRecords":
        """What was read of a partition."""
        return cls(topic, partition, records, list(map(_key, records)), list(map(_value, records)))

    @property
    def size(self) -> int:
        """Bytes of keys, values and headers as they were in Kafka."""
        size = sum(map(len, filter(None, self.keys))) + sum(map(len, filter(None, self.values)))
        for headers in filter(None, map(_headers, self.records)):
            size += sum([len(name) + len(value or b"") for name, value in headers])
        return size

    @property
    def timestamps(self) -> list[int | None]:
        """Milliseconds since 1970, None for none."""
        return [None if record.timestamp < 0 else record.timestamp for record in self.records]

    def __len__(self) -> int:
        """How many they are."""
        return len(self.records)

    def __iter__(self) -> Iterator[ReadRecord]:
        """One by one."""
        for record in self.records:
            yield ReadRecord(self.topic, self.partition, record)

    def where(self, kept: Sequence[bool]) -> "ReadRecords":
        """Those that are kept."""
        return ReadRecords.of(self.topic, self.partition, list(compress(self.records, kept)))


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


@dataclass(slots=True)
class WriteRecords(Sequence[WriteRecord]):
    """Converted records in their order, as columns: the n-th entries of all of them are one `WriteRecord`.

    `partitions` are the topics and partitions that `records` were read from.
    """

    partitions: list[tuple[str, int]] = field(default_factory=list)
    records: list[KafkaRecord] = field(default_factory=list)
    key_shapes: list[RecordSchema | None] = field(default_factory=list)
    keys: list[Any] = field(default_factory=list)
    shapes: list[RecordSchema | None] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    headers: list[Sequence[tuple[str, Any]] | None] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Iterable[WriteRecord]) -> "WriteRecords":
        """The columns of single records."""
        made = cls()
        for source, *converted in entries:
            row = ((source.topic, source.partition), source, *converted)
            for column, cell in zip(_columns(made), row, strict=True):
                column.append(cell)
        return made

    def __len__(self) -> int:
        """How many records they are."""
        return len(self.records)

    @overload
    def __getitem__(self, place: int) -> WriteRecord: ...

    @overload
    def __getitem__(self, place: slice) -> "WriteRecords": ...

    def __getitem__(self, place: int | slice) -> "WriteRecord | WriteRecords":
        """A single record, or the columns of some neighbours."""
        if isinstance(place, slice):
            return WriteRecords(*(column[place] for column in _columns(self)))
        (topic, partition), record, *converted = (column[place] for column in _columns(self))
        return WriteRecord(ReadRecord(topic, partition, record), *converted)

    def at(self, places: Sequence[int]) -> "WriteRecords":
        """Those at these places, in the order of the places."""
        if len(places) == 1:
            return self[places[0] : places[0] + 1]
        pick: Callable[[list[Any]], tuple[Any, ...]] = itemgetter(*places) if places else lambda _: ()
        return WriteRecords(*(list(pick(column)) for column in _columns(self)))

    def extend(self, later: "WriteRecords") -> None:
        """Add what came after them."""
        for column, more in zip(_columns(self), _columns(later), strict=True):
            column.extend(more)

    def with_values(self) -> "WriteRecords":
        """Those that are no tombstones."""
        values = self.values
        if all(values):  # what is empty or zero is looked at again
            return self
        return self.at([place for place, value in enumerate(values) if value is not None])

    @property
    def different_shapes(self) -> Collection[RecordSchema | None]:
        """Each shape of the values once."""
        return dict(zip(map(id, self.shapes), self.shapes, strict=True)).values()

    def values_of(self, shape: RecordSchema) -> Sequence[Any]:
        """The values of one shape, in order."""
        if len(self.different_shapes) == 1:
            return self.values
        return [value for value, each in zip(self.values, self.shapes, strict=True) if each is shape]

    @property
    def have_one_schema(self) -> bool:
        """Whether the keys of all of them have one schema, and the values, as nearly all batches do."""
        return len(self.different_shapes) == 1 and len(set(map(id, self.key_shapes))) == 1

    def runs(self) -> Iterator["WriteRecords"]:
        """Neighbours of one key schema and one value schema, in order."""
        if self.have_one_schema:
            yield self
            return
        key_shapes, shapes = self.key_shapes, self.shapes
        start = 0
        for place in range(1, len(shapes)):
            if shapes[place] is not shapes[start] or key_shapes[place] is not key_shapes[start]:
                yield self[start:place]
                start = place
        if shapes:
            yield self[start:]


_columns = attrgetter(*(each.name for each in fields(WriteRecords)))
