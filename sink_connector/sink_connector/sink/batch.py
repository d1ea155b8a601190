"""What is written in one transaction."""

from dataclasses import dataclass, field

from sink_connector.data.write_record import Entry
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.sink.offsets import Partition, Position
from sink_connector.sink.table_metadata import TableName


@dataclass(slots=True)
class Batch:
    """Entries by topic and table in the order they came, records that could not be converted, and how far the
    partitions move.
    """

    entries: dict[tuple[str, TableName], list[Entry]] = field(default_factory=dict)
    bad: list[DeadLetter] = field(default_factory=list)
    positions: dict[Partition, Position] = field(default_factory=dict)
    began: float = 0.0  # when its first records came, on the monotonic clock
    records: int = 0
    size: int = 0  # bytes of keys and values as they were in Kafka
