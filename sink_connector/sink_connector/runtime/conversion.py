"""What every way from a record of Kafka to the entry of a table has: its form, and what is done where many records are not one.

What was read together is converted together. Where that fails, one of the records does not fit, and each is looked at alone:
whatever goes wrong with it there, of whatever class, is a `BadRecordError` of that record.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sink_connector.converters import PreparingConverter
from sink_connector.data.write_record import (
    KafkaRecord,
    ReadRecords,
    SourceRecord,
    WriteRecord,
    WriteRecords,
)
from sink_connector.errors import BadRecordError, Stage

# The entry of a record and the topic that names its table, which a transform may have changed; None when it dropped it.
Converted = tuple[str, WriteRecord] | None


class RecordConverter(Protocol):
    """All ways have this form."""

    def __call__(self, record: SourceRecord) -> Converted:
        """Raises `BadRecordError` with the stage at which the record failed, and nothing else."""
        ...

    def together(self, read: ReadRecords) -> Mapping[str, WriteRecords]:
        """What each of these records makes, by the topic that names its table. Raises when one of them does not fit."""
        ...

    async def prepare(self, topic: str, records: Sequence[KafkaRecord]) -> None:
        """Fetch what these records will need. Raises `OSError` when that is unreachable."""
        ...


def one_by_one(convert: Callable[[SourceRecord], Converted], read: ReadRecords) -> dict[str, WriteRecords]:
    """`RecordConverter.together` by converting one record after the other."""
    entries: dict[str, list[WriteRecord]] = {}
    for topic, entry in filter(None, map(convert, read)):
        entries.setdefault(topic, []).append(entry)
    return {topic: WriteRecords.of(found) for topic, found in entries.items()}


def bad_record(error: Exception, stage: Stage) -> BadRecordError:
    """What an exception raised while one record was at a stage says about that record."""
    if isinstance(error, BadRecordError):
        error.stage = stage
        return error
    if isinstance(error, RecursionError):
        return BadRecordError("nested too deeply to be converted", stage=stage)
    return BadRecordError(f"{type(error).__name__}: {error}", stage=stage)


Preparing = tuple[PreparingConverter | None, PreparingConverter | None]


def preparing(key: object, value: object) -> Preparing:
    """Those of a key's and a value's converter that fetch something first."""
    return (
        key if isinstance(key, PreparingConverter) else None,
        value if isinstance(value, PreparingConverter) else None,
    )


async def prepare_for(converters: Preparing, topic: str, records: Sequence[KafkaRecord]) -> None:
    """Have them fetch what these records will need. Raises `OSError` when that is unreachable."""
    key, value = converters
    if key is not None:
        await key.prepare(topic, [record.key for record in records])
    if value is not None:
        await value.prepare(topic, [record.value for record in records])
