"""Values whose schema stands in a registry (Confluent's wire format): a zero byte, the schema's id, the encoded value."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from sink_connector.converters import Columns, Decoded, RawHeaders, read_each
from sink_connector.data.lru import MOST_SCHEMAS, LruCache
from sink_connector.data.record_schema import RecordSchema, RecordSchemas
from sink_connector.errors import BadRecordError

MAGIC = 0
PREFIX = 5  # the magic byte and the id, big-endian
AT_ONCE = 16  # requests to the registry
MOST_REFUSED = 10_000  # ids that are remembered as of no use
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class RegisteredSchema:
    """A schema as it is registered. `references` are the schemas it imports, each with its name, those they need first."""

    kind: str  # AVRO, PROTOBUF, JSON
    text: str
    references: tuple[tuple[str, str], ...] = ()


class SchemaSource(Protocol):
    """Where schemas come from."""

    async def schema(self, schema_id: int) -> RegisteredSchema:
        """Raises `LookupError` when there is no such schema, `OSError` when nobody can say (the caller retries)."""
        ...


Decode = Callable[[bytes], Decoded]  # of a whole value, its prefix included
Compile = Callable[[RegisteredSchema], Decode]


@runtime_checkable
class DecodesTogether(Protocol):
    """A `Decode` that can also decode many values at once."""

    def __call__(self, data: bytes) -> Decoded:
        """One value."""
        ...

    def together(self, data: Sequence[bytes]) -> tuple[RecordSchema, list[Any]] | None:
        """The shape of all these values and the values; None where they have not one.

        Raises whatever decoding one of them raises.
        """
        ...


class RegistryConverter:
    """Fetches each schema once, compiles it once, and decodes with what it has.

    A schema that is not registered is asked for again with the next batch that needs it, then ever less often (at least
    once in 30 s); one that cannot be used here (of another kind, recursive) is not. A record chooses its schema's id, so
    whatever is remembered by id is bounded.
    """

    def __init__(
        self,
        *,
        source: SchemaSource,
        kind: str,
        compile_schema: Compile,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Takes what it works with."""
        self._source = source
        self._kind = kind
        self._compile = compile_schema
        self._clock = clock
        self._decoders: LruCache[int, Decode] = LruCache(MOST_SCHEMAS)
        self._refused: LruCache[int, str] = LruCache(MOST_REFUSED)
        self._unknown: LruCache[int, _Unknown] = LruCache(MOST_REFUSED)
        self._shapes = RecordSchemas()

    async def prepare(self, topic: str, data: Sequence[bytes | None]) -> None:  # noqa: ARG002 - the protocol's
        """Fetch the schemas of these values that are not known yet, several at a time. Raises as the source does."""
        wanted = sorted({_id_of(each) for each in data if each is not None and has_id(each)})
        missing = [each for each in wanted if self._is_to_be_fetched(each)]
        for start in range(0, len(missing), AT_ONCE):
            some = missing[start : start + AT_ONCE]
            found = await asyncio.gather(*map(self._fetch, some), return_exceptions=True)
            for answer in found:
                if isinstance(answer, BaseException):
                    raise answer

    def decode(self, topic: str, data: bytes | None, headers: RawHeaders) -> Decoded:  # noqa: ARG002 - the protocol's
        """The value with its schema. Raises `BadRecordError`."""
        if data is None:
            return Decoded(None, None)
        if not has_id(data):
            raise BadRecordError("not in the registry's wire format: a zero byte and four bytes of schema id")
        decoder = self._decoders.get(_id_of(data))
        if decoder is None:
            raise BadRecordError(self._why_not(_id_of(data)))
        try:
            return decoder(data)
        except BadRecordError:
            raise
        except Exception as error:  # whatever a decoder raises, these bytes made it
            raise BadRecordError(
                f"does not fit schema {_id_of(data)}: {type(error).__name__}: {error}"
            ) from error

    def read(self, data: bytes) -> tuple[RecordSchema | None, Any]:
        """The shape and the value; None and None for a null. Raises `BadRecordError`."""
        schema, value = self.decode("", data, ())
        return (None, None) if schema is None or value is None else (self._shapes.of(schema), value)

    def read_all(self, data: Sequence[bytes | None]) -> Columns:
        """What `read` gives for each; None and None for None.

        Neighbours of one schema are decoded in one go. Raises `BadRecordError`, or what the decoder raises, when one cannot be
        read.
        """
        values = [each for each in data if each is not None]
        prefix = values[0][:PREFIX] if values and len(values) == len(data) else b""
        decoder = self._decoders.get(_id_of(prefix)) if has_id(prefix) else None
        if decoder is None or [each for each in values if not each.startswith(prefix)]:
            return read_each(self.read, data)
        if isinstance(decoder, DecodesTogether):
            together = decoder.together(values)
            if together is not None:
                return [together[0]] * len(values), together[1]
        return self._decoded(decoder, values) or read_each(self.read, data)

    def _decoded(self, decoder: Decode, data: Sequence[bytes]) -> Columns | None:
        """The shapes and values of some that have one schema; None where one is a null."""
        found = list(map(decoder, data))
        schemas = {id(schema): schema for schema, _ in found}
        values = [value for _, value in found]
        if len(schemas) > 1 or None in schemas.values() or None in values:
            return None
        shape = self._shapes.of(found[0].schema)  # type: ignore[arg-type] # it is a schema
        return [shape] * len(values), values

    def _is_to_be_fetched(self, schema_id: int) -> bool:
        if schema_id in self._decoders or schema_id in self._refused:
            return False
        unknown = self._unknown.get(schema_id)
        return unknown is None or self._clock() >= unknown.until

    async def _fetch(self, schema_id: int) -> None:
        try:
            registered = await self._source.schema(schema_id)
        except LookupError as error:
            self._note_unknown(schema_id, str(error))
        else:
            self._unknown.pop(schema_id)
            self._admit(schema_id, registered)

    def _note_unknown(self, schema_id: int, reason: str) -> None:
        earlier = self._unknown.get(schema_id)
        wait_s = 0.0 if earlier is None else min(max(2 * earlier.wait_s, FIRST_WAIT_S), LONGEST_WAIT_S)
        self._unknown.put(schema_id, _Unknown(reason, wait_s, self._clock() + wait_s))

    def _admit(self, schema_id: int, registered: RegisteredSchema) -> None:
        if registered.kind != self._kind:
            self._refused.put(
                schema_id,
                f"schema {schema_id} is of kind {registered.kind}, the converter reads {self._kind}",
            )
            return
        try:
            self._decoders.put(schema_id, self._compile(registered))
        except RecursionError:
            self._refused.put(schema_id, f"schema {schema_id} cannot be used: it is nested too deeply")
        except MemoryError:
            raise  # the process is short of it, which says nothing of the schema
        except Exception as error:  # noqa: BLE001 - whatever a compiler raises, this schema made it
            self._refused.put(schema_id, f"schema {schema_id} cannot be used: {error}")

    def _why_not(self, schema_id: int) -> str:
        reason = self._refused.get(schema_id)
        if reason is not None:
            return reason
        unknown = self._unknown.get(schema_id)
        return f"schema {schema_id} was not asked for before decoding" if unknown is None else unknown.reason


@dataclass(frozen=True, slots=True)
class _Unknown:
    """An id that the registry does not have, and when it may be asked again."""

    reason: str
    wait_s: float
    until: float


def has_id(data: bytes) -> bool:
    """Whether a value can be in the registry's wire format."""
    return len(data) >= PREFIX and data[0] == MAGIC


def _id_of(data: bytes) -> int:
    return int.from_bytes(data[1:PREFIX], "big")


REGISTRY_CLASSES = {
    "io.confluent.connect.avro.AvroConverter": "AVRO",
    "io.confluent.connect.protobuf.ProtobufConverter": "PROTOBUF",
    "io.confluent.connect.json.JsonSchemaConverter": "JSON",
}
