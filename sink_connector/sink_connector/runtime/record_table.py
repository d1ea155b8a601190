"""The table per record: a name out of each record stands where its topic's would.

Such a name is data. It may come to nothing but a name (`sink.identifiers`), and one that cannot be used is that record's failure.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from sink_connector.config.connector import TableConfig
from sink_connector.data.lru import LruCache
from sink_connector.data.record import Record
from sink_connector.data.record_schema import RecordSchema
from sink_connector.data.write_record import KafkaRecord, ReadRecords, SourceRecord, WriteRecord, WriteRecords
from sink_connector.errors import BadRecordError, Stage
from sink_connector.runtime.conversion import Converted, RecordConverter, one_by_one
from sink_connector.sink.table_naming import named_by_source, one_spelling
from sink_connector.transforms.change_events import SOURCE, is_beside_rows, wraps_row
from sink_connector.transforms.data import UnfitRecordError

MOST_SHAPES = 512


class SourceTable:
    """A transform: a change event's table is named by its `source`, as `table.name.format` says. It goes before the unwrapping.

    A tombstone, which has no source, is dropped: the event before it was the deletion.
    """

    def __init__(self, config: TableConfig) -> None:
        """Takes what it works with."""
        self._config = config

    def apply(self, record: Record) -> Record | None:
        """The record with its table for a topic. Raises `BadRecordError` for one that is no change event or gives no name."""
        if record.value is None:
            return None
        if is_beside_rows(record):
            return record
        if not wraps_row(record):
            raise UnfitRecordError(
                "the record is no change event, and table.name.format takes a name from one's source"
            )
        source = record.value.get(SOURCE)

        def value_of(field: str) -> str:
            value = source.get(field) if isinstance(source, Mapping) else None
            if not isinstance(value, str):
                raise UnfitRecordError(
                    f"the change event's source has no text {field!r}, which table.name.format needs"
                )
            return value

        return structs.replace(record, topic=named_by_source(self._config, record.topic, value_of))


class RecordTable:
    """A conversion whose records are written to the table that `record.table.field` or `record.table.header` gives them."""

    def __init__(self, config: TableConfig, convert: RecordConverter) -> None:
        """Takes what it works with."""
        self._config = config
        self._convert = convert
        self._name_of = self._in_header if config.record_table_header else self._in_field
        self._picks: LruCache[RecordSchema, Callable[[Any], Any]] = LruCache(MOST_SHAPES)

    def __call__(self, record: SourceRecord) -> Converted:
        """The entry, and the name that decides its table. Raises `BadRecordError` when the record gives none."""
        converted = self._convert(record)
        if converted is None:
            return None
        _, entry = converted
        if entry.value is None and not self._config.delete_enabled:
            return None  # written nowhere
        return one_spelling(self._config, self._name_of(entry)), entry

    def together(self, read: ReadRecords) -> Mapping[str, WriteRecords]:
        """See `RecordConverter`."""
        return one_by_one(self, read)

    async def prepare(self, topic: str, records: Sequence[KafkaRecord]) -> None:
        """Fetch what these records will need."""
        await self._convert.prepare(topic, records)

    def _in_header(self, entry: WriteRecord) -> str:
        wanted = self._config.record_table_header
        headers = dict(entry.source.headers if entry.headers is None else entry.headers)
        if wanted not in headers:
            raise BadRecordError(
                f"the record has no header {wanted!r}, which record.table.header needs",
                stage=Stage.HEADER_CONVERTER,
            )
        value = headers[wanted]
        try:
            name = value.decode() if isinstance(value, bytes) else value
        except UnicodeDecodeError as error:
            raise BadRecordError(
                f"the header {wanted!r} is not UTF-8: {error}", stage=Stage.HEADER_CONVERTER
            ) from error
        return _name(name, f"the header {wanted!r}", Stage.HEADER_CONVERTER)

    def _in_field(self, entry: WriteRecord) -> str:
        """A deletion has no value, so its key is to have the field."""
        wanted = self._config.record_table_field
        part, shape, value = ("value", entry.shape, entry.value)
        if entry.value is None:
            part, shape, value = ("key", entry.key_shape, entry.key)
        if shape is None or not shape.is_struct or shape.schema.field(wanted) is None:
            raise BadRecordError(f"the {part} has no field {wanted!r}, which record.table.field needs")
        pick = self._picks.get(shape) or self._picks.put(shape, shape.pick((wanted,)))
        return _name(pick(value), f"the field {wanted!r} of the {part}", Stage.TASK_PUT)


def _name(value: Any, place: str, stage: Stage) -> str:
    if not isinstance(value, str):
        raise BadRecordError(f"{place} is {type(value).__name__}, and no name of a table", stage=stage)
    return value
