"""Converted records that wait to be written, and when they are."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from operator import attrgetter

from sink_connector.config.connector import ConnectorConfig
from sink_connector.data.write_record import SourceRecord, WriteRecord
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.errors import BadRecordError, Stage
from sink_connector.sink.batch import Batch
from sink_connector.sink.offsets import Partition, Position
from sink_connector.sink.table_naming import TableNaming

MOST_BYTES = 4 * 1024 * 1024  # of keys, values and headers; one batch is filling while another is written
GROWTH = 10  # a limit that was lowered grows by a tenth with every batch that fits

Convert = Callable[[SourceRecord], tuple[str, WriteRecord] | None]

_key = attrgetter("key")
_value = attrgetter("value")
_headers = attrgetter("headers")


class Buffer:
    """Fills one batch. It owns the limits of a batch: records, bytes and age.

    `limit` is the most records of a batch: `batch.size`, or fewer after the database took too long over one.
    """

    def __init__(
        self,
        config: ConnectorConfig,
        naming: TableNaming,
        convert: Convert,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit = config.batch_size
        self._most = config.batch_size
        self._linger_ms = config.linger_ms
        self._takes_tombstones = config.table.delete_enabled
        self._naming = naming
        self._convert = convert
        self._monotonic = monotonic
        self._batch = Batch()

    @property
    def is_empty(self) -> bool:
        """Whether nothing was read since the last batch was taken."""
        return not self._batch.positions

    @property
    def room(self) -> int:
        """How many more records may be read; 0 when it is full."""
        return max(0, self.limit - self._batch.records) if self._batch.size < MOST_BYTES else 0

    @property
    def is_due(self) -> bool:
        """Whether there is something to be written now."""
        if self.is_empty:
            return False
        age_ms = (self._monotonic() - self._batch.began) * 1000
        return age_ms >= self._linger_ms or not self.room

    def take(self) -> Batch:
        """The batch as it is; the buffer is empty then."""
        batch, self._batch = self._batch, Batch()
        return batch

    def clear(self) -> None:
        """Forget what was read: it is somebody else's to write, or will be read again."""
        self._batch = Batch()

    def timed_out(self, records: int) -> None:
        """Have batches half as large as one that took too long."""
        self.limit = max(1, min(self.limit, records) // 2)

    def succeeded(self) -> None:
        """Let batches grow again towards `batch.size`."""
        self.limit = min(self._most, self.limit + self.limit // GROWTH + 1)

    def add(
        self,
        records: Mapping[Partition, Sequence[SourceRecord]],
        epochs: Mapping[Partition, int],
        *,
        unreadable: Collection[tuple[Partition, int]] = (),
    ) -> None:
        """Convert what was read, in the order of each partition.

        A record that cannot be converted, for whatever reason, becomes a dead letter of the batch; so does one whose place
        is among `unreadable`.
        """
        batch = self._batch
        if not batch.positions:
            batch.began = self._monotonic()
        for partition, read in records.items():
            batch.positions[Partition(*partition)] = Position(read[-1].offset + 1, epochs[partition])
            batch.records += len(read)
            batch.size += size_of(read)
            self._add_partition(batch, partition, read, unreadable)

    def _add_partition(
        self,
        batch: Batch,
        partition: Partition,
        read: Sequence[SourceRecord],
        unreadable: Collection[tuple[Partition, int]],
    ) -> None:
        convert, takes_tombstones = self._convert, self._takes_tombstones
        topic: str | None = None
        place: Callable[[WriteRecord], None] = _nowhere
        for record in read:  # the one loop that every record goes through
            if unreadable and (partition, record.offset) in unreadable:
                batch.bad.append(_unreadable(record))
                continue
            try:
                converted = convert(record)
                if converted is None:
                    continue
                name, entry = converted
                if entry.value is None and not takes_tombstones:
                    continue
                if name != topic:
                    place = batch.entries.setdefault((name, self._naming.table_of(name)), []).append
                    topic = name
                place(entry)
            except Exception as error:  # noqa: BLE001 - whatever goes wrong with a record is that record's
                batch.bad.append(DeadLetter.of(record, error, stage=Stage.VALUE_CONVERTER))


def _nowhere(entry: WriteRecord) -> None:
    raise AssertionError(f"{entry} has no table")


def size_of(records: Sequence[SourceRecord]) -> int:
    """Bytes of keys, values and headers as they were in Kafka."""
    size = sum(map(len, filter(None, map(_key, records)))) + sum(map(len, filter(None, map(_value, records))))
    for headers in filter(None, map(_headers, records)):
        size += sum(len(name) + len(value or b"") for name, value in headers)
    return size


def _unreadable(record: SourceRecord) -> DeadLetter:
    error = BadRecordError("the name of a header is not UTF-8", stage=Stage.HEADER_CONVERTER)
    return DeadLetter.of(record, error)
