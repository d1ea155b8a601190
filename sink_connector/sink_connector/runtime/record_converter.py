"""From records of Kafka to entries of tables: convert, transform. Which way is decided once, by the configuration."""

from collections.abc import Mapping, Sequence
from typing import Any

from sink_connector.config.connector import ConnectorConfig, PkMode
from sink_connector.converters import CompiledReader, Converter
from sink_connector.converters.compiled import row_schema
from sink_connector.converters.json_envelope import EnvelopeConverter
from sink_connector.data.record import Header, Record, Schema
from sink_connector.data.record_schema import Form, RecordSchema, RecordSchemas, UntypedRecordSchemas
from sink_connector.data.write_record import (
    KafkaRecord,
    ReadRecords,
    SourceRecord,
    WriteRecord,
    WriteRecords,
)
from sink_connector.errors import Stage
from sink_connector.runtime.conversion import (
    Converted,
    RecordConverter,
    bad_record,
    one_by_one,
    prepare_for,
    preparing,
)
from sink_connector.runtime.record_table import SourceTable
from sink_connector.runtime.unwrapped_rows import UnwrappedRows
from sink_connector.transforms import Chain, Transform
from sink_connector.transforms.change_events import UnwrapChangeEvent, may_be_change_event
from sink_connector.transforms.columns import ValueColumns
from sink_connector.transforms.unavailable import Placeholder


class CompiledRecordConverter:
    """No transforms: bytes → decoder of the schema → entry."""

    def __init__(self, *, key: CompiledReader | None, value: CompiledReader) -> None:
        """Takes what it works with."""
        self._key = key
        self._value = value
        self._preparing = preparing(key, value)

    def __call__(self, record: SourceRecord) -> Converted:
        """What was made of the schema. Raises what making it raises."""
        key_shape = key = shape = value = None
        if self._key is not None and record.key is not None:
            try:
                key_shape, key = self._key.read(record.key)
            except Exception as error:  # whatever it is, these bytes made it
                raise bad_record(error, Stage.KEY_CONVERTER) from error
        if record.value is not None:
            try:
                shape, value = self._value.read(record.value)
            except Exception as error:  # as above
                raise bad_record(error, Stage.VALUE_CONVERTER) from error
        return record.topic, WriteRecord(record, key_shape, key, shape, value)

    def together(self, read: ReadRecords) -> Mapping[str, WriteRecords]:
        """See `RecordConverter`."""
        nothing: list[Any] = [None] * len(read)
        key_shapes, keys = (nothing, nothing) if self._key is None else self._key.read_all(read.keys)
        shapes, values = self._value.read_all(read.values)
        partitions = [(read.topic, read.partition)] * len(read)
        found = WriteRecords(partitions, list(read.records), key_shapes, keys, shapes, values, nothing)
        return {read.topic: found}

    async def prepare(self, topic: str, records: Sequence[KafkaRecord]) -> None:
        """Fetch the schemas that these records name."""
        await prepare_for(self._preparing, topic, records)


class TransformingRecordConverter:
    """Bytes → value and schema → transforms → entry."""

    def __init__(self, *, key: Converter, value: Converter, chain: Chain) -> None:
        """Takes what it works with."""
        self._key = key
        self._value = value
        self._chain = chain
        self._shapes = RecordSchemas()
        self._untyped = UntypedRecordSchemas()
        self._rows: RecordSchema | None = None  # the last one: most records have it
        self._on_columns = chain.works_on_columns
        self._preparing = preparing(key, value)

    def __call__(self, record: SourceRecord) -> Converted:
        """What was made of the schema. Raises what making it raises."""
        stage = Stage.KEY_CONVERTER
        try:
            key = self._key.decode(record.topic, record.key, record.headers)
            stage = Stage.VALUE_CONVERTER
            value = self._value.decode(record.topic, record.value, record.headers)
            stage = Stage.HEADER_CONVERTER
            headers = tuple(Header(name, _header(data)) for name, data in record.headers)
            stage = Stage.TRANSFORMATION
            transformed = self._chain.apply(
                Record(
                    topic=record.topic,
                    partition=record.partition,
                    offset=record.offset,
                    timestamp=record.timestamp if record.timestamp >= 0 else None,
                    key_schema=key.schema,
                    key=key.value,
                    value_schema=value.schema,
                    value=value.value,
                    headers=headers,
                )
            )
            return None if transformed is None else (transformed.topic, self._entry(record, transformed))
        except Exception as error:  # whatever it is, this record made it
            raise bad_record(error, stage) from error

    def together(self, read: ReadRecords) -> Mapping[str, WriteRecords]:
        """See `RecordConverter`."""
        values = self._columns(read)
        changed = None if values is None else self._chain.apply_all(values)
        if changed is None or not changed.cells or not isinstance(self._key, CompiledReader):
            return one_by_one(self, read)
        read = changed.read
        key_shapes, keys = self._key.read_all(read.keys)
        shapes: list[RecordSchema | None] = [self._row_schema(changed)] * len(read)
        partitions = [(read.topic, read.partition)] * len(read)
        rows = list(zip(*changed.cells, strict=True))
        nothing: list[Any] = [None] * len(read)
        found = WriteRecords(partitions, list(read.records), key_shapes, keys, shapes, rows, nothing)
        return {changed.topic: found}

    def _columns(self, read: ReadRecords) -> ValueColumns | None:
        """The values field by field; None where they are not structs of one schema, or the chain looks at single records."""
        if not self._on_columns or not isinstance(self._value, CompiledReader):
            return None
        shapes, values = self._value.read_all(read.values)
        shape = shapes[0] if len(set(map(id, shapes))) == 1 else None
        if shape is None or not shape.is_struct or shape.form is Form.UNTYPED:
            return None
        cells = tuple(zip(*map(shape.take, values), strict=True))
        return ValueColumns(topic=read.topic, read=read, schema=shape.schema, cells=cells, forms=shape.forms)

    def _row_schema(self, values: ValueColumns) -> RecordSchema:
        known = self._rows
        if known is None or known.schema is not values.schema or known.forms != values.forms:
            known = self._rows = row_schema(values.schema, values.forms)
        return known

    async def prepare(self, topic: str, records: Sequence[KafkaRecord]) -> None:
        """Fetch the schemas that these records name."""
        await prepare_for(self._preparing, topic, records)

    def _entry(self, record: SourceRecord, transformed: Record) -> WriteRecord:
        key, value = transformed.key, transformed.value
        key_shape = None if key is None else self._shape(transformed.key_schema, key)
        shape = None if value is None else self._shape(transformed.value_schema, value)
        headers = tuple((header.key, header.value) for header in transformed.headers)
        return WriteRecord(record, key_shape, key, shape, value, headers)

    def _shape(self, schema: Schema | None, value: Any) -> RecordSchema:
        return self._untyped.of(value) if schema is None else self._shapes.of(schema)


class UnwrappingRecordConverter:
    """Debezium's own sink class: change events are unwrapped, records that are flat already go the compiled way."""

    def __init__(
        self,
        *,
        compiled: CompiledRecordConverter,
        unwrapping: TransformingRecordConverter,
        key: Converter,
        rows: UnwrappedRows | None,
        placeholder: Placeholder,
    ) -> None:
        """Takes what it works with; `rows` where values are those of Connect's JSON."""
        self._placeholder = placeholder
        self._compiled = compiled
        self._unwrapping = unwrapping
        self._key = key if isinstance(key, CompiledReader) else None
        self._rows = rows
        self._flat: RecordSchema | None = (
            None  # the last one found to be no change event; most records have it
        )

    def __call__(self, record: SourceRecord) -> Converted:
        """What was made of the schema. Raises what making it raises."""
        converted = self._compiled(record)
        entry = None if converted is None else converted[1]
        if entry is None or entry.shape is None:
            return converted
        if entry.shape is not self._flat:
            if may_be_change_event(entry.shape):
                return self._unwrapping(record)
            self._flat = entry.shape
        lacks = self._lacks_columns(entry.shape, [entry.value], [record])
        return self._unwrapping(record) if lacks else converted

    def together(self, read: ReadRecords) -> Mapping[str, WriteRecords]:
        """See `RecordConverter`."""
        converted = self._compiled.together(read)
        shapes = [
            (shape, found)
            for found in converted.values()
            for shape in found.different_shapes
            if shape is not None
        ]
        flat = [(shape, found) for shape, found in shapes if not may_be_change_event(shape)]
        if any(self._lacks_columns(shape, found.values_of(shape), found.records) for shape, found in flat):
            return one_by_one(self, read)
        if len(flat) == len(shapes):
            return converted
        if self._rows is None or self._key is None:
            return one_by_one(self, read)
        # A key that cannot be read is a bad record, whatever the key of its row is.
        self._key.read_all(read.keys)
        unwrapped = {topic: self._rows.of(found) for topic, found in converted.items()}
        rows = {topic: found for topic, found in unwrapped.items() if found is not None}
        return rows if len(rows) == len(unwrapped) else one_by_one(self, read)

    async def prepare(self, topic: str, records: Sequence[KafkaRecord]) -> None:
        """Fetch the schemas that these records name."""
        await self._compiled.prepare(topic, records)

    def _lacks_columns(
        self, shape: RecordSchema, values: Sequence[Any], records: Sequence[SourceRecord | KafkaRecord]
    ) -> bool:
        """Whether flat rows of a shape have a column that the source had not at hand; of values without a schema: may have."""
        if not shape.is_struct:
            return False
        if shape.form is Form.UNTYPED:
            return any(record.value and self._placeholder.may_be_in(record.value) for record in records)
        return self._placeholder.is_in(shape.schema, list(zip(*map(shape.take, values), strict=True)))


def make_record_converter(
    config: ConnectorConfig, chain: Chain, *, key: Converter, value: Converter
) -> RecordConverter:
    """The compiled way where there are no transforms and the converters know it.

    The key is then read only where `pk.mode` needs it. With Debezium's own connector class change events are unwrapped, as
    its sink does.
    """
    transforming = TransformingRecordConverter(
        key=key, value=value, chain=chain.followed_by(*unwrapping_of(config))
    )
    needs_key = config.table.pk_mode is PkMode.RECORD_KEY
    looks_at_each = bool(chain) or config.table.is_named_by_source
    if (
        looks_at_each
        or not isinstance(value, CompiledReader)
        or (needs_key and not isinstance(key, CompiledReader))
    ):
        return transforming
    compiled = CompiledRecordConverter(
        key=key if needs_key and isinstance(key, CompiledReader) else None, value=value
    )
    if not config.is_debeziums:
        return compiled
    placeholder, truncates = Placeholder(config.table.unavailable), config.table.truncate_enabled
    rows = (
        UnwrappedRows(value.compile, truncates=truncates, placeholder=placeholder)
        if isinstance(value, EnvelopeConverter)
        else None
    )
    return UnwrappingRecordConverter(
        compiled=compiled, unwrapping=transforming, key=key, rows=rows, placeholder=placeholder
    )


def unwrapping_of(config: ConnectorConfig) -> tuple[Transform, ...]:
    """The transforms that Debezium's connector class implies, after those of the configuration."""
    if not config.is_debeziums:
        return ()
    placeholder = Placeholder(config.table.unavailable)
    unwrap = UnwrapChangeEvent(truncates=config.table.truncate_enabled, placeholder=placeholder)
    return (SourceTable(config.table), unwrap) if config.table.is_named_by_source else (unwrap,)


def _header(data: bytes | None) -> str | bytes | None:
    try:
        return data.decode() if data is not None else None
    except UnicodeDecodeError:
        return data
