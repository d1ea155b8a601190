"""What the cases are built of: schemas and envelopes in Connect's JSON, records, and single-transform configurations."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

PACKAGE = "org.apache.kafka.connect.transforms"
LOGICAL = "org.apache.kafka.connect.data"
MILLIS = 1_709_210_096_789  # 2024-02-29T12:34:56.789Z

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One record, and the chain it goes through."""

    name: str
    config: Mapping[str, str]
    record: Json


def of(type_: str, **attributes: Any) -> Json:
    """A schema; `optional` is false unless said."""
    return {"type": type_, "optional": False, **attributes}


def logical(name: str, **attributes: Any) -> Json:
    """The schema of one of Connect's logical types."""
    types = {"Date": "int32", "Time": "int32", "Timestamp": "int64", "Decimal": "bytes"}
    return of(types[name], name=f"{LOGICAL}.{name}", version=1, **attributes)


def struct(*, schema: Json | None = None, **fields: tuple[Json, Any]) -> Json:
    """An envelope of a struct, each field given as (schema, value)."""
    members = [{**field, "field": name} for name, (field, _) in fields.items()]
    payload = {name: value for name, (_, value) in fields.items()}
    return {"schema": {**of("struct", fields=members), **(schema or {})}, "payload": payload}


def nested(*, schema: Json | None = None, **fields: tuple[Json, Any]) -> tuple[Json, Any]:
    """A struct as a field of another."""
    envelope = struct(schema=schema, **fields)
    return envelope["schema"], envelope["payload"]


def bare(payload: Any) -> Json:
    """Without a schema."""
    return {"schema": None, "payload": payload}


def typed(schema: Json, payload: Any) -> Json:
    """An envelope of anything."""
    return {"schema": schema, "payload": payload}


def header(name: str, schema: Json | None, payload: Any) -> Json:
    """A header of a record."""
    return {"name": name, "schema": schema, "payload": payload}


def record(value: Json | None = None, *, key: Json | None = None, topic: str = "orders", **rest: Any) -> Json:
    """A record; what is not given is null, but for its coordinates."""
    coordinates = {"topic": topic, "partition": 3, "offset": 42, "timestamp": MILLIS, "headers": [], **rest}
    return {**coordinates, "key": key or bare(None), "value": value or bare(None)}


def step(type_: str, options: Mapping[str, str] | None = None, *, alias: str = "t") -> dict[str, str]:
    """The configuration of one transform, without the list of aliases."""
    found = {f"transforms.{alias}.type": f"{PACKAGE}.{type_}"}
    return found | {f"transforms.{alias}.{key}": value for key, value in (options or {}).items()}


def case(name: str, type_: str, options: Mapping[str, str] | None, of_record: Json) -> Case:
    """A record through a single transform."""
    return Case(name=name, config={"transforms": "t", **step(type_, options)}, record=of_record)


def both_sides(name: str, type_: str, options: Mapping[str, str], data: Json) -> Iterable[Case]:
    """The same data as a key through `$Key` and as a value through `$Value`."""
    other = typed(of("string"), "the other side")
    yield case(f"{name}, key", f"{type_}$Key", options, record(other, key=data))
    yield case(f"{name}, value", f"{type_}$Value", options, record(data, key=other))


STRING, INT64, INT32 = of("string"), of("int64"), of("int32")
OPTIONAL_STRING = of("string", optional=True)
DEFAULTED = of("string", optional=True, default="unknown")

PLAIN = struct(
    schema={"name": "shop.Order", "version": 3, "doc": "An order", "parameters": {"origin": "shop"}},
    id=(INT64, 7),
    name=(STRING, "Ada"),
    note=(OPTIONAL_STRING, None),
    state=(DEFAULTED, None),
)
MAP = bare(
    {
        "id": 7,
        "name": "Ada",
        "note": None,
        "price": 1.5,
        "open": True,
        "tags": ["a", "b"],
        "home": {"city": "Rome"},
    }
)
OPTIONAL = struct(schema={"optional": True}, id=(INT64, 7), name=(STRING, "Ada"))
WRONG = [
    ("a string with a schema", typed(STRING, "text")),
    ("a string without", bare("text")),
    ("null without a schema", bare(None)),
    ("null with an optional schema", typed({**OPTIONAL["schema"]}, None)),
]


def refuses(type_: str, options: Mapping[str, str]) -> Iterable[Case]:
    """What a transform of structs and maps says to anything else."""
    for name, data in WRONG:
        yield case(f"given {name}", f"{type_}$Value", options, record(data))
