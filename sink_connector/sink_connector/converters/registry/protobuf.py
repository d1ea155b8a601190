"""Protobuf messages by their registered schema, as Connect sees them.

A message is a struct, a `oneof` a struct of its alternatives (`<name>_<index>`, of which one is set), a map a map, an enum a
string (see `protobuf_messages.py`). The options are those of Confluent's converter, with its defaults.
"""

import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from grpc_tools import protoc

from sink_connector.converters import Decoded
from sink_connector.converters.compiled import row_schema
from sink_connector.converters.registry import protobuf_messages as messages
from sink_connector.converters.registry.protobuf_messages import Choices, MessageReader
from sink_connector.converters.registry.wire import PREFIX, Compile, Decode, RegisteredSchema
from sink_connector.data.lru import MOST_SCHEMAS, LruCache
from sink_connector.data.record import Schema
from sink_connector.data.record_schema import Form, RecordSchema

ROOT = "registered.proto"
MOST_LEVELS = 100
BUILT_IN = (
    Path(str(files("sink_connector"))) / "converters" / "registry" / "protos"
)  # what every client of Confluent's has
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_IMPORT = re.compile(r'\bimport\s+(?:public\s+|weak\s+)?"([^"]+)"\s*;')


def compiler(options: Mapping[str, str]) -> Compile:
    """Compiles schemas by the converter's options. Raises `ValueError` for one that is neither true nor false."""
    choices = Choices(
        flatten_unions=_flag(options, "flatten.unions"),
        wrapper_for_nullables=_flag(options, "wrapper.for.nullables"),
        optional_for_nullables=_flag(options, "optional.for.nullables"),
        int_for_enums=_flag(options, "int.for.enums"),
        index_for_unions=_flag(options, "generate.index.for.unions", default="true"),
    )
    return lambda registered: compile_protobuf(registered, choices)


def _flag(options: Mapping[str, str], name: str, *, default: str = "false") -> bool:
    value = options.get(name, default).strip().lower()
    if value not in {"true", "false"}:
        raise ValueError(f"{name} is {value!r}, it must be true or false")
    return value == "true"


def compile_protobuf(registered: RegisteredSchema, choices: Choices) -> Decode:
    """Raises `ValueError` for a schema that does not compile; a message that contains itself is refused where it is used."""
    compiled = _compiled(registered).file
    return _Messages(compiled[-1], pool_of(compiled), choices)


@dataclass(frozen=True, slots=True)
class _Mapped:
    """A message of a registered file."""

    parse: Callable[[bytes], Any]
    schema: Schema
    shape: RecordSchema  # of rows
    read: MessageReader


class _Messages:
    """Decodes the messages of a registered file, one or many."""

    def __init__(
        self,
        file: descriptor_pb2.FileDescriptorProto,
        pool: descriptor_pool.DescriptorPool,
        choices: Choices,
    ) -> None:
        self._file = file
        self._pool = pool
        self._choices = choices
        self._known: LruCache[tuple[int, ...], _Mapped] = LruCache(MOST_SCHEMAS)

    def __call__(self, data: bytes) -> Decoded:
        """See `Decode`."""
        mapped, start = self._mapped(data)
        return Decoded(mapped.schema, mapped.read(mapped.parse(data[start:])))

    def together(self, data: Sequence[bytes]) -> tuple[RecordSchema, list[Any]] | None:
        """See `DecodesTogether`."""
        mapped, start = self._mapped(data[0])
        index, parse = data[0][PREFIX:start], mapped.parse
        if not mapped.schema.fields or [each for each in data if not each.startswith(index, PREFIX)]:
            return None
        return mapped.shape, mapped.read.rows([parse(each[start:]) for each in data])

    def _mapped(self, data: bytes) -> tuple[_Mapped, int]:
        """The message that a value is, and where it begins."""
        index, start = FIRST if data[PREFIX] == 0 else _message_index(data)
        return self._known.get(index) or self._known.put(index, self._map(index)), start

    def _map(self, index: tuple[int, ...]) -> _Mapped:
        descriptor = self._pool.FindMessageTypeByName(_message_name(self._file, index))
        schema, read = messages.mapping(descriptor, self._choices, _params_of)
        message: type[Message] = message_factory.GetMessageClass(descriptor)
        shape = row_schema(schema, (Form.CONNECT,) * len(schema.fields))
        return _Mapped(message.FromString, schema, shape, read)


def pool_of(files: Iterable[descriptor_pb2.FileDescriptorProto]) -> descriptor_pool.DescriptorPool:
    """The descriptors of compiled files, those imported first."""
    pool = descriptor_pool.DescriptorPool()
    for file in files:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


def _compiled(registered: RegisteredSchema) -> descriptor_pb2.FileDescriptorSet:
    """Protoc's descriptors of the schema, its references and Google's own, those imported first."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (*registered.references, (ROOT, registered.text)):
            path = Path(directory, name)
            if not path.resolve().is_relative_to(Path(directory).resolve()):
                raise ValueError(f"the reference {name!r} is no relative path")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        return _compiled_file(Path(directory), ROOT)


def _compiled_file(directory: Path, name: str) -> descriptor_pb2.FileDescriptorSet:
    """Raises `ValueError`, which names the import that is missing where it is that."""
    includes = (directory, BUILT_IN, Path(str(files("grpc_tools") / "_proto")))
    with tempfile.NamedTemporaryFile() as output:
        command = ["protoc", *(f"-I{each}" for each in includes), "--include_imports", f"--descriptor_set_out={output.name}", name]  # fmt: skip
        if protoc.main(command) != 0:
            missing = sorted(_missing(name, includes, set()))
            said = (
                f"it imports {', '.join(missing)}, which nobody has"
                if missing
                else "protoc does not compile it"
            )
            raise ValueError(f"not a Protobuf schema that can be used: {said}")
        return descriptor_pb2.FileDescriptorSet.FromString(Path(output.name).read_bytes())


def _missing(name: str, includes: Sequence[Path], seen: set[str]) -> Iterator[str]:
    """The imports that no directory has."""
    if name in seen:
        return
    seen.add(name)
    path = next((each / name for each in includes if (each / name).is_file()), None)
    if path is None:
        yield name
        return
    for imported in _IMPORT.findall(_COMMENT.sub(" ", path.read_text(encoding="utf-8"))):
        yield from _missing(imported, includes, seen)


@cache
def field_options() -> type[Message]:
    """The message that reads the options Confluent's converter writes at fields."""
    compiled = _compiled_file(BUILT_IN, "field_options.proto").file
    descriptor = pool_of(compiled).FindMessageTypeByName("sink.FieldOptions")
    made: type[Message] = message_factory.GetMessageClass(descriptor)
    return made


def _params_of(field: FieldDescriptor) -> Mapping[str, str]:
    """What Confluent's converter noted at a field: its Connect type, a decimal's precision and scale."""
    written = field.GetOptions().SerializeToString()
    if not written:
        return {}
    options: Any = field_options().FromString(written)
    return dict(options.meta.params)


FIRST = ((0,), PREFIX + 1)  # what nearly every value begins with


def _message_index(data: bytes) -> tuple[tuple[int, ...], int]:
    """Which message of the file it is, level by level, and where it begins: zig-zag integers, a lone 0 for the first."""
    count, at = _zigzag(data, PREFIX)
    if count == 0:
        return (0,), at
    if not 0 < count <= MOST_LEVELS:
        raise ValueError(f"an index of {count} levels")
    index = []
    for _ in range(count):
        place, at = _zigzag(data, at)
        index.append(place)
    return tuple(index), at


def _zigzag(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:  # noqa: PLR2004 - the bit that says that more follows
            return (number >> 1) ^ -(number & 1), at


def _message_name(file: descriptor_pb2.FileDescriptorProto, index: tuple[int, ...]) -> str:
    """Counted as the JVM's serializer counts: only messages that stand in the text, not those made up for map fields."""
    names = [file.package] if file.package else []
    level = list(file.message_type)
    for place in index:
        if not 0 <= place < len(level):
            raise ValueError(f"the schema has no message {index}")
        names.append(level[place].name)
        level = [each for each in level[place].nested_type if not each.options.map_entry]
    return ".".join(names)
