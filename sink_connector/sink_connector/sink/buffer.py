"""Converted records that wait to be written, and when they are."""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from sink_connector.config.connector import ConnectorConfig
from sink_connector.data.write_record import (
    KafkaRecord,
    ReadRecord,
    ReadRecords,
    SourceRecord,
    WriteRecord,
    WriteRecords,
)
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.errors import BadRecordError, Stage, is_want_of_memory
from sink_connector.sink.batch import Batch
from sink_connector.sink.offsets import Partition, Position
from sink_connector.sink.table_metadata import TableName
from sink_connector.sink.table_naming import TableNaming

MOST_BYTES = 5 * 512 * 1024  # of keys, values and headers of a batch
PROBE_BYTES = 4 * MOST_BYTES
GROWTH = 10  # a limit that was lowered grows by a tenth with every batch that fits


class Convert(Protocol):
    """What makes entries of records."""

    def __call__(self, record: SourceRecord) -> tuple[str, WriteRecord] | None:
        """The topic that names its table, and the entry; None when it is dropped. Raises when it cannot be converted."""
        ...

    def together(self, read: ReadRecords) -> Mapping[str, WriteRecords]:
        """The same for many, by topic. Raises when one of them cannot be converted."""
        ...


def is_short_of_memory() -> bool:
    """Whether the process cannot have what a few batches take: a record that found no memory is not to blame then."""
    try:
        bytearray(PROBE_BYTES)
    except MemoryError:
        return True
    return False


class Buffer:
    """Fills a batch, and the next one once it is full, so that two are ready while another is written.

    It owns the limits of a batch: records, bytes and age.

    `limit` is the most records of a batch: `batch.size`, or fewer after the database took too long over one or memory was short.
    """

    def __init__(
        self,
        config: ConnectorConfig,
        naming: TableNaming,
        convert: Convert,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        is_short: Callable[[], bool] = is_short_of_memory,
    ) -> None:
        self._is_short = is_short
        self.limit = config.batch_size
        self._most = config.batch_size
        self._linger_ms = config.linger_ms
        self._takes_tombstones = config.table.delete_enabled
        self._naming = naming
        self._convert = convert
        self._monotonic = monotonic
        self._full: Batch | None = None
        self._batch = Batch()  # what was read after it

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits to be taken."""
        return not self.is_full and not self._batch.positions

    @property
    def is_full(self) -> bool:
        """Whether a batch is full, so that the next one is being filled."""
        return self._full is not None

    @property
    def held(self) -> tuple[int, int]:
        """Records that wait to be taken, and their bytes."""
        batches = [self._batch] if self._full is None else [self._full, self._batch]
        return sum(each.records for each in batches), sum(each.size for each in batches)

    @property
    def room(self) -> int:
        """How many more records may be read; 0 when it is full."""
        return max(0, self.limit - self._batch.records) if self._batch.size < MOST_BYTES else 0

    @property
    def is_due(self) -> bool:
        """Whether there is something to be written now."""
        if self.is_full:
            return True
        if not self._batch.positions:
            return False
        age_ms = (self._monotonic() - self._batch.began) * 1000
        return age_ms >= self._linger_ms or not self.room

    def take(self) -> Batch:
        """The older batch: the full one, or what there is."""
        batch, self._full = self._full, None
        if batch is None:
            batch, self._batch = self._batch, Batch()
        self._move_up()
        return batch

    def clear(self) -> None:
        """Forget what was read: it is somebody else's to write, or will be read again."""
        self._full, self._batch = None, Batch()

    def timed_out(self, records: int) -> None:
        """Have batches half as large as one that took too long."""
        self.limit = max(1, min(self.limit, records) // 2)

    def succeeded(self) -> None:
        """Let batches grow again towards `batch.size`."""
        self.limit = min(self._most, self.limit + self.limit // GROWTH + 1)

    def add(
        self,
        records: Mapping[Partition, Sequence[KafkaRecord]],
        epochs: Mapping[Partition, int],
        *,
        unreadable: Collection[tuple[Partition, int]] = (),
    ) -> None:
        """Convert what was read, in the order of each partition.

        A record that cannot be converted, for whatever reason of its own, becomes a dead letter of the batch; so does one whose
        place is among `unreadable`.

        Raises:
            MemoryError: The process is short of memory. What is buffered is incomplete then, and has to be read again.
        """
        batch = self._batch
        if not batch.positions:
            batch.began = self._monotonic()
        for partition, read in records.items():
            batch.positions[Partition(*partition)] = Position(read[-1].offset + 1, epochs[partition])
            batch.records += len(read)
            self._add_partition(batch, ReadRecords.of(*partition, read), unreadable)
        self._move_up()

    def _move_up(self) -> None:
        """Have the next batch begin once this one is full."""
        if not self.is_full and not self.room:
            self._full, self._batch = self._batch, Batch()

    def _add_partition(
        self, batch: Batch, read: ReadRecords, unreadable: Collection[tuple[Partition, int]]
    ) -> None:
        batch.size += read.size
        bad = {offset for partition, offset in unreadable if partition == (read.topic, read.partition)}
        if bad:
            batch.bad += [_unreadable(record) for record in read if record.offset in bad]
            read = read.where([record.offset not in bad for record in read.records])
        try:
            converted = self._convert.together(read)
            found = {(topic, self._naming.table_of(topic)): each for topic, each in converted.items()}
        except Exception:  # noqa: BLE001 - one of the records does not fit
            found = self._one_by_one(batch, read)
        for place, entries in found.items():
            kept = entries if self._takes_tombstones else entries.with_values()
            if kept:
                batch.entries.setdefault(place, WriteRecords()).extend(kept)

    def _one_by_one(self, batch: Batch, read: ReadRecords) -> dict[tuple[str, TableName], WriteRecords]:
        """The careful look: whatever goes wrong with a record is that record's."""
        found: dict[tuple[str, TableName], list[WriteRecord]] = {}
        for record in read:
            try:
                converted = self._converted(record)
                if converted is not None:
                    topic, entry = converted
                    found.setdefault((topic, self._naming.table_of(topic)), []).append(entry)
            except Exception as error:  # of whatever class
                if is_want_of_memory(error) and self._is_short():
                    self.timed_out(batch.records)
                    raise
                batch.bad.append(DeadLetter.of(record, error, stage=Stage.VALUE_CONVERTER))
        return {place: WriteRecords.of(entries) for place, entries in found.items()}

    def _converted(self, record: ReadRecord) -> tuple[str, WriteRecord] | None:
        """The entry; tried again where memory was short a moment ago and no longer is."""
        try:
            return self._convert(record)
        except Exception as error:
            if not is_want_of_memory(error) or self._is_short():
                raise
        return self._convert(record)


def _unreadable(record: ReadRecord) -> DeadLetter:
    error = BadRecordError("the name of a header is not UTF-8", stage=Stage.HEADER_CONVERTER)
    return DeadLetter.of(record, error)
