"""From a record of Kafka to an entry: convert, transform. Which way is decided once, by the configuration."""

from collections.abc import Callable
from typing import Protocol

from aiokafka import ConsumerRecord

from sink_connector.converters.json_envelope import EnvelopeReader
from sink_connector.entry import Entry
from sink_connector.errors import BadRecordError, Stage
from sink_connector.shape import Shape

Convert = Callable[[ConsumerRecord], Entry | None]


class Reader(Protocol):
    """A converter's compiled form: straight from the bytes to a value the writer can take apart."""

    def read(self, data: bytes) -> tuple[Shape | None, object]: ...


class CompiledConversion:
    """No transforms: bytes → decoder of the schema → entry."""

    def __init__(self, *, key: Reader | None, value: Reader) -> None:
        self._key = key.read if key is not None else None
        self._value = value.read

    def __call__(self, record: ConsumerRecord) -> Entry | None:
        """Raises `BadRecordError` with the stage at which the record failed."""
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
        return Entry(record, key_shape, key, shape, value)


def make_conversion(*, needs_key: bool) -> Convert:
    """The key is read only where `pk.mode` needs it."""
    return CompiledConversion(key=EnvelopeReader() if needs_key else None, value=EnvelopeReader())
