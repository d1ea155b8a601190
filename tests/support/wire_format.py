"""Values as producers write them beside a registry: schemas registered over REST, values in Confluent's wire format."""

import io
import json
from dataclasses import dataclass, field
from typing import Any

import fastavro
import httpx

AVRO = "io.confluent.connect.avro.AvroConverter"
JSON_SCHEMA = "io.confluent.connect.json.JsonSchemaConverter"
PROTOBUF = "io.confluent.connect.protobuf.ProtobufConverter"


def converter(kind: str, url: str, side: str = "value", **options: str) -> dict[str, str]:
    """The keys of a registry's converter, dots written as `__`."""
    named = {f"{side}__converter__{name}": value for name, value in options.items()}
    return {f"{side}__converter": kind, f"{side}__converter__schema__registry__url": url, **named}


def framed(schema_id: int, payload: bytes) -> bytes:
    """A payload behind the zero byte and the schema's id."""
    return b"\0" + schema_id.to_bytes(4, "big") + payload


def avro_payload(schema: Any, value: Any) -> bytes:
    """A value encoded by an Avro schema."""
    stream = io.BytesIO()
    fastavro.schemaless_writer(stream, fastavro.parse_schema(schema), value)
    return stream.getvalue()


@dataclass(frozen=True, slots=True)
class Subjects:
    """Registers schemas under a prefix of its own."""

    url: str
    prefix: str
    _made: list[str] = field(default_factory=list)

    def register(
        self, subject: str, schema: Any, kind: str = "AVRO", references: list[dict[str, Any]] | None = None
    ) -> int:
        """The id the registry gives to the schema."""
        text = schema if isinstance(schema, str) else json.dumps(schema)
        body = {"schema": text, "schemaType": kind, "references": references or []}
        answer = httpx.post(f"{self.url}/subjects/{self.prefix}{subject}/versions", json=body, timeout=30)
        answer.raise_for_status()
        return int(answer.json()["id"])

    def reference(self, name: str, subject: str) -> dict[str, Any]:
        """A reference to the first version of a subject."""
        return {"name": name, "subject": f"{self.prefix}{subject}", "version": 1}
