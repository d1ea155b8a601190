"""From a record of Kafka to an entry: convert, transform. Which way is decided once, by the configuration."""

from collections.abc import Sequence
from typing import Any, Protocol

from sink_connector.config.connector import ConnectorConfig, PkMode
from sink_connector.converters import CompiledReader, Converter, PreparingConverter
from sink_connector.data.record import Header, Record, Schema
from sink_connector.data.record_schema import Shape, Shapes, UntypedShapes
from sink_connector.data.write_record import Entry, SourceRecord
from sink_connector.errors import BadRecordError, Stage
from sink_connector.transforms import Chain

# The entry of a record and the topic that names its table, which a transform may have changed; None when it dropped it.
Converted = tuple[str, Entry] | None


class Conversion(Protocol):
    """Both ways have this form."""

    def __call__(self, record: SourceRecord) -> Converted:
        """Raises `BadRecordError` with the stage at which the record failed."""
        ...

    async def prepare(self, topic: str, records: Sequence[SourceRecord]) -> None:
        """Fetch what these records will need. Raises `OSError` when that is unreachable."""
        ...


class CompiledConversion:
    """No transforms: bytes → decoder of the schema → entry."""

    def __init__(self, *, key: CompiledReader | None, value: CompiledReader) -> None:
        self._key = key.read if key is not None else None
        self._value = value.read
        self._preparing = _preparing(key, value)

    def __call__(self, record: SourceRecord) -> Converted:
        key_shape = key = shape = value = None
        if self._key is not None and record.key is not None:
            try:
                key_shape, key = self._key(record.key)
            except BadRecordError as error:
                error.stage = Stage.KEY_CONVERTER
                raise
        if record.value is not None:
            try:
                shape, value = self._value(record.value)
            except BadRecordError as error:
                error.stage = Stage.VALUE_CONVERTER
                raise
        return record.topic, Entry(record, key_shape, key, shape, value)

    async def prepare(self, topic: str, records: Sequence[SourceRecord]) -> None:
        await _prepare(self._preparing, topic, records)


class TransformingConversion:
    """Bytes → value and schema → transforms → entry."""

    def __init__(self, *, key: Converter, value: Converter, chain: Chain) -> None:
        self._key = key
        self._value = value
        self._chain = chain
        self._shapes = Shapes()
        self._untyped = UntypedShapes()
        self._preparing = _preparing(key, value)

    def __call__(self, record: SourceRecord) -> Converted:
        transformed = self._chain.apply(self._record(record))
        if transformed is None:
            return None
        key, value = transformed.key, transformed.value
        key_shape = None if key is None else self._shape(transformed.key_schema, key)
        shape = None if value is None else self._shape(transformed.value_schema, value)
        headers = tuple((header.key, header.value) for header in transformed.headers)
        return transformed.topic, Entry(record, key_shape, key, shape, value, headers)

    async def prepare(self, topic: str, records: Sequence[SourceRecord]) -> None:
        await _prepare(self._preparing, topic, records)

    def _record(self, record: SourceRecord) -> Record:
        try:
            key = self._key.decode(record.topic, record.key, record.headers)
        except BadRecordError as error:
            error.stage = Stage.KEY_CONVERTER
            raise
        try:
            value = self._value.decode(record.topic, record.value, record.headers)
        except BadRecordError as error:
            error.stage = Stage.VALUE_CONVERTER
            raise
        return Record(
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp=record.timestamp if record.timestamp >= 0 else None,
            key_schema=key.schema,
            key=key.value,
            value_schema=value.schema,
            value=value.value,
            headers=tuple(Header(name, _header(data)) for name, data in record.headers),
        )

    def _shape(self, schema: Schema | None, value: Any) -> Shape:
        return self._untyped.of(value) if schema is None else self._shapes.of(schema)


def make_conversion(config: ConnectorConfig, chain: Chain, *, key: Converter, value: Converter) -> Conversion:
    """The compiled way where there are no transforms and the converters know it. The key is then read only where
    `pk.mode` needs it.
    """
    needs_key = config.table.pk_mode is PkMode.RECORD_KEY
    if not chain and isinstance(value, CompiledReader) and (not needs_key or isinstance(key, CompiledReader)):
        return CompiledConversion(
            key=key if needs_key and isinstance(key, CompiledReader) else None, value=value
        )
    return TransformingConversion(key=key, value=value, chain=chain)


Preparing = tuple[PreparingConverter | None, PreparingConverter | None]


def _preparing(key: object, value: object) -> Preparing:
    return (
        key if isinstance(key, PreparingConverter) else None,
        value if isinstance(value, PreparingConverter) else None,
    )


async def _prepare(converters: Preparing, topic: str, records: Sequence[SourceRecord]) -> None:
    key, value = converters
    if key is not None:
        await key.prepare(topic, [record.key for record in records])
    if value is not None:
        await value.prepare(topic, [record.value for record in records])


def _header(data: bytes | None) -> str | bytes | None:
    try:
        return data.decode() if data is not None else None
    except UnicodeDecodeError:
        return data
