"""The orders in the formats of a schema registry: their schemas, registered with a real one, and how values are written."""

import io
import json
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import fastavro
import httpx
from google.protobuf import descriptor_pb2, message_factory
from grpc_tools import protoc

from benchmarks.sink.orders import Order
from benchmarks.sink.topics import Values
from sink_connector.converters.registry.protobuf import pool_of

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


class AvroValues:
    """Writes orders as Confluent's Avro serializer does."""

    def __init__(self, schema_id: int) -> None:
        self._head = b"\0" + schema_id.to_bytes(4, "big")
        self._schema = fastavro.parse_schema(json.loads(AVRO))

    def value_of(self, order: Order) -> bytes:
        stream = io.BytesIO(self._head)
        stream.seek(0, io.SEEK_END)
        fastavro.schemaless_writer(stream, self._schema, asdict(order))
        return stream.getvalue()


class ProtobufValues:
    """Writes orders as Confluent's Protobuf serializer does."""

    def __init__(self, schema_id: int) -> None:
        self._head = b"\0" + schema_id.to_bytes(4, "big") + b"\0"
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
        return self._head + bytes(message.SerializeToString())


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One format: its schema as registries know it, and Confluent's converter for it."""

    kind: str
    schema: str
    values: Callable[[int], Values]
    """Writes values under an id of the schema."""
    converter: str

    async def register(self, registry: str, subject: str) -> int:
        """Give the id under which the registry at `registry` knows the schema from now on."""
        body = {"schema": self.schema, "schemaType": self.kind}
        async with httpx.AsyncClient(timeout=60) as client:
            answer = await client.post(f"{registry}/subjects/{subject}/versions", json=body)
        return int(answer.raise_for_status().json()["id"])

    def settings(self, registry: str) -> dict[str, str]:
        """Connector keys that read it."""
        return {"value.converter": self.converter, "value.converter.schema.registry.url": registry}


FORMATS = {
    "avro": Format(
        kind="AVRO", schema=AVRO, values=AvroValues, converter="io.confluent.connect.avro.AvroConverter"
    ),
    "protobuf": Format(
        kind="PROTOBUF",
        schema=PROTOBUF,
        values=ProtobufValues,
        converter="io.confluent.connect.protobuf.ProtobufConverter",
    ),
}
