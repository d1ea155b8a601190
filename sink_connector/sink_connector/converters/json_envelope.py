"""Connect's JSON envelope, `{"schema":…,"payload":…}`, read without parsing its schema twice."""

from collections.abc import Callable
from typing import Any

import msgspec

from sink_connector.converters import Decoded, RawHeaders
from sink_connector.converters.compiled import compile_schema
from sink_connector.converters.connect_schema import from_json, parse_schema
from sink_connector.data.record_schema import Shape
from sink_connector.errors import BadRecordError

Decoder = Callable[[bytes], Any]

# More schemas than this in one topic at once means that schemas are made up per record; the oldest is forgotten.
MOST_SCHEMAS = 256
NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _Envelope(msgspec.Struct):
    schema: msgspec.Raw
    payload: msgspec.Raw


_envelope = msgspec.json.Decoder(_Envelope).decode


class EnvelopeReader:
    """Reads envelopes of any number of schemas. The schema's bytes are the key of its decoder.

    Producers write the same schema part byte for byte, so a value usually begins with bytes seen before, and only its
    payload is looked at. An envelope written otherwise (other order, white space) is read as well, only slower.
    """

    def __init__(self) -> None:
        self._compiled: dict[bytes, tuple[Shape, Decoder]] = {}
        self._prefix = b"\0"  # no JSON begins so
        self._shape: Shape | None = None
        self._decode: Decoder = _envelope
        self._skip = 0

    def read(self, data: bytes) -> tuple[Shape | None, Any]:
        """The shape of the value and the value; None and None for a payload of null without a schema.

        Raises `BadRecordError` for anything that is not an envelope whose payload fits its schema.
        """
        if data.startswith(self._prefix) and data.endswith(b"}"):
            try:
                return self._shape, self._decode(data[self._skip : -1])
            except NOT_JSON:
                pass  # the slow way decides, and says what is wrong
        return self._read_any(data)

    def _read_any(self, data: bytes) -> tuple[Shape | None, Any]:
        try:
            envelope = _envelope(data)
        except NOT_JSON as error:
            raise BadRecordError(f"not a JSON envelope with schema and payload: {error}") from error
        schema = bytes(envelope.schema)
        if schema == b"null":
            if bytes(envelope.payload) == b"null":
                return None, None
            raise BadRecordError("the envelope has a payload, but its schema is null")
        shape, decode = self._compiled.get(schema) or self._compile(schema)
        self._remember(data, schema, shape, decode)
        try:
            return shape, decode(bytes(envelope.payload))
        except NOT_JSON as error:
            raise BadRecordError(f"the payload does not fit its schema: {error}") from error

    def _compile(self, schema: bytes) -> tuple[Shape, Decoder]:
        try:
            parsed = parse_schema(msgspec.json.decode(schema))
            if parsed is None:
                raise BadRecordError("the envelope's schema is null")
            made = compile_schema(parsed)
        except (ValueError, TypeError, RecursionError) as error:
            raise BadRecordError(f"the schema part cannot be used: {error}") from error
        if len(self._compiled) >= MOST_SCHEMAS:
            del self._compiled[next(iter(self._compiled))]
        return self._compiled.setdefault(schema, made)

    def _remember(self, data: bytes, schema: bytes, shape: Shape, decode: Decoder) -> None:
        prefix = b'{"schema":' + schema + b',"payload":'
        if data.startswith(prefix):
            self._prefix, self._skip = prefix, len(prefix)
            self._shape, self._decode = shape, decode


class EnvelopeConverter:
    """`JsonConverter` with schemas: `read` for the compiled path, `decode` for transforms."""

    def __init__(self) -> None:
        self._reader = EnvelopeReader()
        self.read = self._reader.read

    def decode(self, topic: str, data: bytes | None, headers: RawHeaders) -> Decoded:  # noqa: ARG002 - the protocol's
        if data is None:
            return Decoded(None, None)
        shape, _ = self._reader.read(data)  # checks every type
        if shape is None:
            return Decoded(None, None)
        payload = msgspec.json.decode(_envelope(data).payload)
        return Decoded(shape.schema, from_json(shape.schema, payload))
