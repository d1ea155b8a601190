"""Protobuf messages by their registered schema, as Connect sees them.

A message is a struct, a `oneof` a struct of its alternatives (`<name>_<index>`, of which one is set), a map a map, an enum a
string (see `protobuf_messages.py`). The options are those of Confluent's converter, with its defaults.
"""

import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.message import Message
from grpc_tools import protoc

from sink_connector.converters import Decoded
from sink_connector.converters.registry import protobuf_messages as messages
from sink_connector.converters.registry.protobuf_messages import Choices, Read
from sink_connector.converters.registry.wire import PREFIX, Compile, Decode, RegisteredSchema
from sink_connector.data.record import Schema

ROOT = "registered.proto"


def compiler(options: Mapping[str, str]) -> Compile:
    """Compiles schemas by the converter's options. Raises `ValueError` for one that is neither true nor false."""
    choices = Choices(
        flatten_unions=_flag(options, "flatten.unions"),
        wrapper_for_nullables=_flag(options, "wrapper.for.nullables"),
        optional_for_nullables=_flag(options, "optional.for.nullables"),
        int_for_enums=_flag(options, "int.for.enums"),
    )
    return lambda registered: compile_protobuf(registered, choices)


def _flag(options: Mapping[str, str], name: str) -> bool:
    value = options.get(name, "false").strip().lower()
    if value not in {"true", "false"}:
        raise ValueError(f"{name} is {value!r}, it must be true or false")
    return value == "true"


def compile_protobuf(registered: RegisteredSchema, choices: Choices) -> Decode:
    """Raises `ValueError` for a schema that does not compile; a message that contains itself is refused where it is used."""
    compiled = _compiled(registered).file
    pool = descriptor_pool.DescriptorPool()
    for file in compiled:
        pool.AddSerializedFile(file.SerializeToString())
    known: dict[tuple[int, ...], tuple[type[Message], Schema, Read]] = {}

    def decode(data: bytes) -> Decoded:
        index, start = _message_index(data)
        if index not in known:
            descriptor = pool.FindMessageTypeByName(_message_name(compiled[-1], index))
            schema, read = messages.mapping(descriptor, choices)
            known[index] = message_factory.GetMessageClass(descriptor), schema, read
        message_class, schema, read = known[index]
        message = message_class()
        message.MergeFromString(data[start:])
        return Decoded(schema, read(message))

    return decode


def _compiled(registered: RegisteredSchema) -> descriptor_pb2.FileDescriptorSet:
    """Protoc's descriptors of the schema, its references and Google's own, those imported first."""
    with tempfile.TemporaryDirectory() as directory:
        for name, text in (*registered.references, (ROOT, registered.text)):
            path = Path(directory, name)
            if not path.resolve().is_relative_to(Path(directory).resolve()):
                raise ValueError(f"the reference {name!r} is no relative path")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        output = Path(directory, "descriptors")
        includes = str(files("grpc_tools") / "_proto")
        command = [
            "protoc",
            f"-I{directory}",
            f"-I{includes}",
            "--include_imports",
            f"--descriptor_set_out={output}",
            ROOT,
        ]
        if protoc.main(command) != 0:
            raise ValueError("not a Protobuf schema: protoc does not compile it")
        return descriptor_pb2.FileDescriptorSet.FromString(output.read_bytes())


def _message_index(data: bytes) -> tuple[tuple[int, ...], int]:
    """Which message of the file it is, level by level, and where it begins: zig-zag integers, a lone 0 for the first."""
    count, at = _zigzag(data, PREFIX)
    if count == 0:
        return (0,), at
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
        names.append(level[place].name)
        level = [each for each in level[place].nested_type if not each.options.map_entry]
    return ".".join(names)
