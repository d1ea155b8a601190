"""Records of each kind for `benchmarks.sink.stages`: their schema, how their values are written, and how they are read."""

import io
import json
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import fastavro
from google.protobuf import descriptor_pb2, message_factory
from grpc_tools import protoc

from benchmarks.sink import transforms
from benchmarks.sink.orders import Envelope, Order, new_orders, orders_and_updates
from sink_connector.converters import Converter
from sink_connector.converters.registry.avro import compile_avro
from sink_connector.converters.registry.protobuf import compiler, pool_of
from sink_connector.converters.registry.wire import Compile, RegisteredSchema, RegistryConverter

SCHEMA_ID = 1
AVRO = json.dumps(
    {
        "type": "record",
        "name": "Order",
        "fields": [
            *({"name": name, "type": "string"} for name in ("order_id", "user_id", "status")),
            {"name": "lines", "type": {"type": "string", "connect.name": "io.debezium.data.Json"}},
            {"name": "total_cents", "type": "long"},
            {"name": "version", "type": "long"},
            {"name": "placed_at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        ],
    }
)
PROTOBUF = """
syntax = "proto3";
import "google/protobuf/timestamp.proto";
message Order {
  string order_id = 1;
  string user_id = 2;
  string status = 3;
  string lines = 4;
  int64 total_cents = 5;
  int64 version = 6;
  google.protobuf.Timestamp placed_at = 7;
}
"""


class _AvroValues:
    """Writes orders as Confluent's Avro serializer does."""

    def __init__(self) -> None:
        self._schema = fastavro.parse_schema(json.loads(AVRO))

    def value_of(self, order: Order) -> bytes:
        stream = io.BytesIO(b"\0" + SCHEMA_ID.to_bytes(4, "big"))
        stream.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(stream, self._schema, asdict(order))
        return stream.getvalue()


class _ProtobufValues:
    """Writes orders as Confluent's Protobuf serializer does."""

    def __init__(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            text, made = Path(directory, "order.proto"), Path(directory, "made")
            text.write_text(PROTOBUF)
            include = Path(protoc.__file__).parent / "_proto"
            if protoc.main(
                [
                    "protoc",
                    f"-I{directory}",
                    f"-I{include}",
                    "--include_imports",
                    f"--descriptor_set_out={made}",
                    text.name,
                ]
            ):
                raise ValueError("protoc does not compile the schema of the orders")
            files = descriptor_pb2.FileDescriptorSet.FromString(made.read_bytes()).file
        self._message = message_factory.GetMessageClass(pool_of(files).FindMessageTypeByName("Order"))

    def value_of(self, order: Order) -> bytes:
        fields = asdict(order)
        millis = fields.pop("placed_at")
        message: Any = self._message(**fields)
        message.placed_at.FromMilliseconds(millis)
        return b"\0" + SCHEMA_ID.to_bytes(4, "big") + b"\0" + bytes(message.SerializeToString())


@dataclass(frozen=True, slots=True)
class _Registry:
    """A registry that has one schema: it is asked once, so what it costs does not count."""

    registered: RegisteredSchema

    async def schema(self, schema_id: int) -> RegisteredSchema:  # noqa: ARG002 - the protocol's
        return self.registered


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Records of one kind, and how they are written."""

    mode: str
    orders: Callable[[int], Iterator[Order]]
    values: Callable[[], Any] = Envelope
    schema: str = ""
    kind: str = ""
    compile_schema: Compile | None = None
    settings: Mapping[str, str] = field(default_factory=dict)
    table: str = "table"

    def converter(self) -> Converter | None:
        """The converter of the values, where it is none that a configuration names."""
        if self.compile_schema is None:
            return None
        source = _Registry(RegisteredSchema(kind=self.kind, text=self.schema))
        return RegistryConverter(source=source, kind=self.kind, compile_schema=self.compile_schema)


CASES = {
    "insert": Case(mode="insert", orders=new_orders),
    "upsert": Case(mode="upsert", orders=orders_and_updates),
    "transforms": Case(
        mode="upsert", orders=orders_and_updates, settings=transforms.SETTINGS, table="changed_table"
    ),
    "avro": Case(
        mode="insert", orders=new_orders, values=_AvroValues, schema=AVRO, kind="AVRO", compile_schema=compile_avro
    ),
    "protobuf": Case(
        mode="insert", orders=new_orders, values=_ProtobufValues, schema=PROTOBUF, kind="PROTOBUF",
        compile_schema=compiler({}),
    ),
}  # fmt: skip
