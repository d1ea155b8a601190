"""Connect's JSON envelope, `{"schema":…,"payload":…}`, read without parsing its schema twice."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sink_connector.converters import Columns, Decoded, RawHeaders, read_each
from sink_connector.converters.compiled import compile_schema, lenient_decoder
from sink_connector.converters.connect_json import Read, json_reader, to_json
from sink_connector.converters.connect_schema import parse_schema
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.lru import MOST_SCHEMAS, LruCache
from sink_connector.data.record import Schema
from sink_connector.data.record_schema import RecordSchema
from sink_connector.errors import BadRecordError

Decoder = Callable[[bytes], Any]

MOST_SCHEMA_BYTES = 32 * 1024 * 1024  # of the schema parts that are remembered
NULL = b"null"
NOT_JSON = (ValueError, RecursionError)  # msgspec's errors and UnicodeDecodeError are ValueErrors


class _Envelope(msgspec.Struct):
    schema: msgspec.Raw
    payload: msgspec.Raw


_envelope = msgspec.json.Decoder(_Envelope).decode


class EnvelopeReader:
    """Reads envelopes of any number of schemas. The schema's bytes are the key of its decoder.

    Producers write the same schema part byte for byte, so a value usually begins with bytes seen before, and only its
    payload is looked at. An envelope written otherwise (other order, white space) is read as well, only slower.
    """

    def __init__(self, *, replace_null: bool = True) -> None:
        """Takes what it works with."""
        self._replace_null = replace_null
        self._compiled: LruCache[bytes, Compiled] = LruCache(MOST_SCHEMAS, most_weight=MOST_SCHEMA_BYTES)
        self._by_value: LruCache[Schema, Compiled] = LruCache(MOST_SCHEMAS)
        self._prefix = b"\0"  # no JSON begins so
        self._shape: RecordSchema | None = None
        self._decode: Decoder = _envelope
        self._skip = 0

    def read(self, data: bytes) -> tuple[RecordSchema | None, Any]:
        """The shape of the value and the value; None and None for a null that its schema, or none, allows.

        Raises `BadRecordError` for anything that is not an envelope whose payload fits its schema.
        """
        if data.startswith(self._prefix) and data.endswith(b"}"):
            try:
                return self._shape, self._decode(data[self._skip : -1])
            except NOT_JSON:
                pass  # the slow way decides, and says what is wrong
        return self._read_any(data)

    def read_all(self, data: Sequence[bytes | None]) -> Columns:
        """What `read` gives for each; None and None for None.

        Neighbours of one schema, as nearly all are, are decoded in one go; a null among them, a second schema or an envelope
        written otherwise has each of them looked at. Raises `BadRecordError` when one cannot be read.
        """
        first = next(filter(None, data), None)
        if first is not None and not first.startswith(self._prefix):
            self.read(first)  # so that its schema is the one to be expected
        shape, decode, prefix, skip = self._shape, self._decode, self._prefix, self._skip
        texts: Sequence[Any] = data  # a None among them ends it
        try:
            values = [
                decode(each[skip:-1]) for each in texts if each.startswith(prefix) and each.endswith(b"}")
            ]
        except (AttributeError, *NOT_JSON):
            return read_each(self.read, data)
        return ([shape] * len(data), values) if len(values) == len(data) else read_each(self.read, data)

    def parse(self, data: bytes) -> tuple[Schema | None, Any]:
        """The schema, and the value in the Python form of `record.py`. Raises `BadRecordError` as `read` does."""
        compiled, payload = self._open(data)
        if compiled is None:
            return None, None
        if compiled.parse is None:
            compiled.parse = json_reader(compiled.shape.schema, replace_null=self._replace_null)
        try:
            return compiled.shape.schema, compiled.parse(parse_exact(payload))
        except NOT_JSON as error:
            raise BadRecordError(f"the payload does not fit its schema: {error}") from error

    def _read_any(self, data: bytes) -> tuple[RecordSchema | None, Any]:
        compiled, payload = self._open(data)
        if compiled is None:
            return None, None
        try:
            return compiled.shape, compiled.decode(payload)
        except NOT_JSON as error:
            if compiled.lenient is None:
                compiled.lenient = lenient_decoder(compiled.shape.schema, replace_null=self._replace_null)
            try:
                return compiled.shape, compiled.lenient(payload)
            except NOT_JSON:
                raise BadRecordError(f"the payload does not fit its schema: {error}") from error

    def _open(self, data: bytes) -> tuple["Compiled | None", bytes]:
        """The schema's decoder and the text of the payload, or that of the default; no decoder for a null that is allowed."""
        try:
            envelope = _envelope(data)
        except NOT_JSON as error:
            raise BadRecordError(f"not a JSON envelope with schema and payload: {error}") from error
        schema, payload = bytes(envelope.schema), bytes(envelope.payload)
        if schema == NULL:
            if payload == NULL:
                return None, payload
            raise BadRecordError("the envelope has a payload, but its schema is null")
        compiled = self._compiled.get(schema) or self._compile(schema)
        self._remember(data, schema, compiled)
        return self._of_null(compiled) if payload == NULL else (compiled, payload)

    def _of_null(self, compiled: "Compiled") -> tuple["Compiled | None", bytes]:
        schema = compiled.shape.schema
        if self._replace_null and schema.default is not None:
            return compiled, to_json(schema, schema.default)
        if schema.optional:
            return None, NULL
        raise BadRecordError(
            f"the payload does not fit its schema: null where a {schema.type.value} is required"
        )

    def _compile(self, text: bytes) -> "Compiled":
        try:
            schema = parse_schema(parse_exact(text))
            if schema is None:
                raise BadRecordError("the envelope's schema is null")
            found = self._by_value.get(schema)
            if found is None:
                made = Compiled(*compile_schema(schema, replace_null=self._replace_null))
                found = self._by_value.put(schema, made)
        except RecursionError as error:
            raise BadRecordError("the schema part is nested too deeply") from error
        except (ValueError, TypeError) as error:
            raise BadRecordError(f"the schema part cannot be used: {error}") from error
        return self._compiled.put(text, found, weight=len(text))

    def _remember(self, data: bytes, schema: bytes, compiled: "Compiled") -> None:
        prefix = b'{"schema":' + schema + b',"payload":'
        if data.startswith(prefix):
            self._prefix, self._skip = prefix, len(prefix)
            self._shape, self._decode = compiled.shape, compiled.decode


@dataclass(slots=True)
class Compiled:
    """What reads the payloads of one schema: `decode` for the writer, `lenient` where that fails, `parse` for transforms.

    The latter two are made when first needed.
    """

    shape: RecordSchema
    decode: Decoder
    lenient: Decoder | None = None
    parse: Read | None = None


class EnvelopeConverter:
    """`JsonConverter` with schemas: `read` for the compiled path, `decode` for transforms."""

    def __init__(self, *, replace_null: bool = True) -> None:
        """Takes what it works with."""
        self._replace_null = replace_null
        self._reader = EnvelopeReader(replace_null=replace_null)
        self.read = self._reader.read
        self.read_all = self._reader.read_all

    def compile(self, schema: Schema) -> tuple[RecordSchema, Decoder]:
        """The shape of a struct within a value, and what decodes its text. Raises as `compile_schema`."""
        return compile_schema(schema, replace_null=self._replace_null)

    def decode(self, topic: str, data: bytes | None, headers: RawHeaders) -> Decoded:  # noqa: ARG002 - the protocol's
        """The value with its schema. Raises `BadRecordError`."""
        return Decoded(None, None) if data is None else Decoded(*self._reader.parse(data))
