"""What a case from the field is made of: a table, a connector, records, and what must be in the database afterwards.

`T` stands for a name that is the topic's and the table's in every text of a case; `T_x` for further ones.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.conftest import MakeTopic
from tests.support.sink import Message, send

DEBEZIUM = "io.debezium.connector.jdbc.JdbcSinkConnector"
AIVEN = "io.aiven.connect.jdbc.JdbcSinkConnector"

Json = Any
_NAME = re.compile(r"(?<![A-Za-z0-9])T(?=$|_|\b)")


def text(**more: Json) -> dict[str, Json]:
    """A required string, or with `optional=True` an optional one."""
    return {"type": "string", "optional": False, **more}


def kind(name: str, **more: Json) -> dict[str, Json]:
    """A required field of a Connect type."""
    return {"type": name, "optional": False, **more}


def logical(name: str, full: str, **more: Json) -> dict[str, Json]:
    """A required field of a logical type."""
    return {"type": name, "optional": False, "name": full, "version": 1, **more}


TEXT = text()
TEXT_OR_NULL = text(optional=True)
INT = kind("int32", optional=True)
DECIMAL_2 = logical("bytes", "org.apache.kafka.connect.data.Decimal", parameters={"scale": "2"})
TIMESTAMP = logical("int64", "org.apache.kafka.connect.data.Timestamp")


def struct(fields: Mapping[str, Json], **more: Json) -> dict[str, Json]:
    """A struct's schema."""
    return {
        "type": "struct",
        "optional": False,
        "fields": [{**schema, "field": name} for name, schema in fields.items()],
        **more,
    }


def envelope(schema: Json, payload: Json) -> bytes:
    """The bytes of a JSON envelope; a text as payload stands as it is when the schema is no text (numbers keep their digits)."""
    return b'{"schema":' + json.dumps(schema).encode() + b',"payload":' + _payload(payload) + b"}"


def _payload(payload: Json) -> bytes:
    return payload if isinstance(payload, bytes) else json.dumps(payload).encode()


def row(fields: Mapping[str, Json], payload: Json, *, key: Json = "k") -> "Sent":
    """A record whose value is a struct of these fields."""
    return Sent(value=envelope(struct(fields), payload), key=_key(key))


def keyed(key: Json, fields: Mapping[str, Json], payload: Json) -> "Sent":
    """A record keyed by a text, with a struct as its value; a payload of None is a tombstone."""
    return Sent(value=None if payload is None else envelope(struct(fields), payload), key=_key(key))


def _key(key: Json) -> bytes | None:
    if key is None or isinstance(key, bytes):
        return key
    return envelope(TEXT, key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A record as it is sent."""

    value: bytes | None
    key: bytes | None = None
    headers: Sequence[tuple[str, bytes | None]] = ()
    topic: str = "T"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """`rows` maps a query to its answer, `dead` are the offsets of topic `T` that are in the dead letters (of `T_x` by name)."""

    name: str
    config: Mapping[str, str]
    records: Sequence[Sent]
    rows: Mapping[str, Sequence[Sequence[Any]]]
    sql: Sequence[str] = ()
    dead: Sequence[int] = ()
    fails: str | None = None
    rich: bool = False
    """Whether it needs a server with ICU and the extensions."""
    since: int = 0
    """The first PostgreSQL whose columns can be so, or hold that; 0: every one that the sink works with."""
    later: Sequence[str] = field(default=())
    """Statements that are run once the task has met its first failure: what another writer does meanwhile."""


UPSERT = {"insert.mode": "upsert", "pk.mode": "record_value", "pk.fields": "id"}
BY_KEY = {"insert.mode": "upsert", "pk.mode": "record_key", "pk.fields": "id", "delete.enabled": "true"}
PLAIN = {"insert.mode": "insert", "pk.mode": "none"}
CREATE = {"auto.create": "true", "auto.evolve": "true"}
TOLERANT = {"errors.tolerance": "all"}
TRANSFORM = {
    "transforms": "n",
    "transforms.n.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.n.static.field": "st",
    "transforms.n.static.value": "x",
}


def named(text: str, name: str) -> str:
    """The text with `T` as `name`."""
    return _NAME.sub(name, text)


async def send_records(
    case: Case, name: str, *, bootstrap: str, make_topic: MakeTopic
) -> dict[str, list[Message]]:
    """The records of a case, sent to topics made for it; by topic."""
    sent: dict[str, list[Message]] = {}
    for record in case.records:
        message = Message(value=record.value, key=record.key, headers=list(record.headers))  # type: ignore[arg-type]
        sent.setdefault(named(record.topic, name), []).append(message)
    for topic, messages in sent.items():
        await make_topic(name=topic)
        await send(bootstrap, topic, messages)
    return sent
