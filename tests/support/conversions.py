"""Conversions as a connector's configuration makes them, and records to put into them, without Kafka."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sink_connector.config.parser import parse_connector
from sink_connector.converters.factory import make_converter
from sink_connector.converters.registry.wire import RegisteredSchema
from sink_connector.data.write_record import WriteRecord
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.runtime.record_converter import make_record_converter
from sink_connector.transforms.configuration import chain_of

INSERT_FIELD = {
    "transforms": "n",
    "transforms.n.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.n.static.field": "st",
    "transforms.n.static.value": "x",
}
NEVER = {  # a transform that changes nothing, because its predicate never holds
    "transforms": "n",
    "transforms.n.type": "org.apache.kafka.connect.transforms.HoistField$Value",
    "transforms.n.field": "x",
    "transforms.n.predicate": "p",
    "predicates": "p",
    "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    "predicates.p.name": "no such header",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A record as it stood in Kafka."""

    value: bytes | None
    key: bytes | None = None
    topic: str = "t"
    partition: int = 3
    offset: int = 7
    timestamp: int = 0
    headers: Sequence[tuple[str, Any]] = field(default=())


def conversion(**keys: str) -> RecordConverter:
    """By a connector's configuration; `pk__mode` stands for `pk.mode`, and `{}` of keys with `$` go by `**`."""
    given = {
        "name": "c",
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "topics": "t",
        "connection.url": "postgresql://localhost/none",
        **{name.replace("__", "."): value for name, value in keys.items()},
    }
    config = parse_connector(given)
    key = make_converter(config.key_converter, is_key=True)
    value = make_converter(config.value_converter, is_key=False)
    return make_record_converter(config, chain_of(config.resolved), key=key, value=value)


def envelope(payload: str, **fields: dict[str, Any]) -> bytes:
    """A struct of required fields, in JSON with its schema."""
    named = [{"field": name, "optional": False, **schema} for name, schema in fields.items()]
    schema = {"type": "struct", "optional": False, "fields": named}
    return f'{{"schema":{json.dumps(schema)},"payload":{payload}}}'.encode()


def entry(convert: RecordConverter, value: bytes | None, **more: Any) -> WriteRecord:
    """What a record with this value becomes."""
    converted = convert(Source(value=value, **more))
    assert converted is not None
    return converted[1]


def fields(convert: RecordConverter, value: bytes) -> dict[str, Any]:
    """The fields of what a record with this value becomes."""
    found = entry(convert, value)
    assert found.shape is not None
    names = [each.name for each in found.shape.schema.fields]
    return dict(zip(names, found.shape.take(found.value), strict=True))


@dataclass(slots=True)
class Schemas:
    """A registry in memory: the schemas by their ids."""

    schemas: dict[int, RegisteredSchema]

    async def schema(self, schema_id: int) -> RegisteredSchema:
        """The schema, or `LookupError`."""
        return self.schemas[schema_id]
