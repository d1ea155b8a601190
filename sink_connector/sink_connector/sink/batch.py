"""What is written in one transaction."""

from dataclasses import dataclass, field, replace

from sink_connector.data.write_record import SourceRecord, WriteRecord, WriteRecords
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.sink.offsets import Partition, Position
from sink_connector.sink.table_metadata import TableName

Place = tuple[Partition, int]


@dataclass(slots=True)
class Batch:
    """Records by topic and table in the order they came, those not converted, and how far the partitions move.

    `began` is when its first records came, in seconds on the monotonic clock; `records` counts all that were read, `size`
    their bytes as they were in Kafka: keys, values and headers.
    """

    entries: dict[tuple[str, TableName], WriteRecords] = field(default_factory=dict)
    bad: list[DeadLetter] = field(default_factory=list)
    positions: dict[Partition, Position] = field(default_factory=dict)
    began: float = 0.0
    records: int = 0
    size: int = 0

    @property
    def to_write(self) -> int:
        """How many records leave something in the database."""
        return sum(map(len, self.entries.values())) + len(self.bad)

    def halves(self) -> tuple["Batch", "Batch"]:
        """Two batches to be written one after the other, cut in the order of the partitions; it must hold two records."""
        places = sorted(self._places())
        cut = places[len(places) // 2]
        first, second = {}, {}
        for partition, position in self.positions.items():
            if partition < cut[0]:
                first[partition] = position
            else:
                second[partition] = position
        if places[len(places) // 2 - 1][0] == cut[0]:
            first[cut[0]] = second[cut[0]]._replace(next_offset=cut[1])
        return self._part(first, cut, is_first=True), self._part(second, cut, is_first=False)

    def followed_by(self, later: "Batch") -> "Batch":
        """One batch of this and of what was read after it."""
        entries: dict[tuple[str, TableName], WriteRecords] = {}
        for part in (self, later):
            for place, found in part.entries.items():
                entries.setdefault(place, WriteRecords()).extend(found)
        return Batch(
            entries=entries,
            bad=[*self.bad, *later.bad],
            positions=self.positions | later.positions,
            began=self.began,
            records=self.records + later.records,
            size=self.size + later.size,
        )

    def refused(self, letter: DeadLetter) -> "Batch":
        """The same with nothing to write but this dead letter."""
        return replace(self, entries={}, bad=[*self.bad, letter])

    def only_entry(self) -> WriteRecord | None:
        """The record of a batch that has one, as it was to be written; None when it could not be converted."""
        return next((entry for entries in self.entries.values() for entry in entries), None)

    def _part(self, positions: dict[Partition, Position], cut: Place, *, is_first: bool) -> "Batch":
        entries = {}
        for place, found in self.entries.items():
            kept = [number for number, each in enumerate(_places(found)) if (each < cut) is is_first]
            if kept:
                entries[place] = found.at(kept)
        bad = [letter for letter in self.bad if (place_of(letter.source) < cut) is is_first]
        part = replace(self, entries=entries, bad=bad, positions=positions)
        part.records = self.records // 2 if is_first else self.records - self.records // 2
        part.size = self.size // 2 if is_first else self.size - self.size // 2
        return part

    def _places(self) -> list[Place]:
        entries = [place for found in self.entries.values() for place in _places(found)]
        return entries + [place_of(letter.source) for letter in self.bad]


def _places(found: WriteRecords) -> list[Place]:
    return [
        (Partition(*partition), record.offset)
        for partition, record in zip(found.partitions, found.records, strict=True)
    ]


def place_of(record: SourceRecord) -> Place:
    """Where a record stands in Kafka; records of one partition compare in their order."""
    return Partition(record.topic, record.partition), record.offset
