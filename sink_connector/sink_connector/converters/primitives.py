"""Connect's converters of single values: texts, bytes, and numbers in network byte order."""

import codecs
import struct
from collections.abc import Callable, Sequence
from typing import Any

from sink_connector.converters import Columns, Decoded, RawHeaders, read_each
from sink_connector.data.record import Schema, Type
from sink_connector.data.record_schema import RecordSchema, primitive_record_schema
from sink_connector.errors import BadRecordError


class PrimitiveConverter:
    """A converter of one primitive type; `parse` raises `ValueError` or `struct.error` for bytes it cannot take."""

    def __init__(self, kind: Type, parse: Callable[[bytes], Any]) -> None:
        """Takes what it works with."""
        self._schema = Schema(type=kind, optional=True)
        self._shape = primitive_record_schema(self._schema)
        self._parse = parse

    def decode(self, topic: str, data: bytes | None, headers: RawHeaders) -> Decoded:  # noqa: ARG002 - the protocol's
        """The value with its schema. Raises `BadRecordError` for bytes that cannot be converted."""
        return Decoded(self._schema, None if data is None else self.read(data)[1])

    def read(self, data: bytes) -> tuple[RecordSchema | None, Any]:
        """The shape and the value; None and None for a null. Raises `BadRecordError`."""
        try:
            return self._shape, self._parse(data)
        except (ValueError, struct.error) as error:
            raise BadRecordError(f"not a {self._schema.type.value}: {error}") from error

    def read_all(self, data: Sequence[bytes | None]) -> Columns:
        """What `read` gives for each; None and None for None. Raises `BadRecordError`."""
        return read_each(self.read, data)


def _number(form: str) -> Callable[[bytes], Any]:
    unpack = struct.Struct(form).unpack
    return lambda data: unpack(data)[0]


def _boolean(data: bytes) -> bool:
    if data not in {b"\x00", b"\x01"}:
        raise ValueError("a boolean is one byte, 0 or 1")
    return data == b"\x01"


def text_parser(encoding: str) -> Callable[[bytes], str]:
    """What reads texts of an encoding by its name in Java. Raises `ValueError` for one that is not known."""
    try:
        b"a".decode(encoding, "replace")  # which a codec of bytes refuses
    except LookupError as error:
        raise ValueError(f"converter.encoding is {encoding!r}, which is no encoding known here") from error
    has_marks = codecs.lookup(encoding).name == "utf-16"
    # Where nothing says which byte comes first, it is the higher one in Java.
    return lambda data: data.decode("utf-16-be" if has_marks and data[:2] not in MARKS else encoding)


MARKS = {codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE}
PARSERS: dict[str, tuple[Type, Callable[[bytes], Any]]] = {
    "org.apache.kafka.connect.storage.StringConverter": (Type.STRING, bytes.decode),
    "org.apache.kafka.connect.converters.ByteArrayConverter": (Type.BYTES, bytes),
    "org.apache.kafka.connect.converters.BooleanConverter": (Type.BOOLEAN, _boolean),
    "org.apache.kafka.connect.converters.ShortConverter": (Type.INT16, _number(">h")),
    "org.apache.kafka.connect.converters.IntegerConverter": (Type.INT32, _number(">i")),
    "org.apache.kafka.connect.converters.LongConverter": (Type.INT64, _number(">q")),
    "org.apache.kafka.connect.converters.FloatConverter": (Type.FLOAT32, _number(">f")),
    "org.apache.kafka.connect.converters.DoubleConverter": (Type.FLOAT64, _number(">d")),
}
