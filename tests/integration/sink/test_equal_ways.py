"""One semantics, several speeds: the same records take every equal way, and leave the same table and the same dead letters."""

import asyncio
import base64
import random
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import pytest

from tests.conftest import MakeDatabase, MakeTopic
from tests.integration.sink.field_cases.case import (
    DECIMAL_2,
    TEXT,
    TIMESTAMP,
    envelope,
    kind,
    logical,
    struct,
)
from tests.support.sink import Message, configuration, connected, execute, rows, send, wait_until_read

RECORDS = 600
KEYS = 150
PARTITIONS = 2
ADDRESS = struct(
    {
        "city": TEXT,
        "zip": kind("int32"),
        "share": kind("double", optional=True),
        "land": kind("string", optional=True, default="KR"),
        "seal": kind("bytes", optional=True),
    },
    optional=True,
)

PRICE = struct({"currency": TEXT, "amount": kind("string", optional=True)}, optional=True)


def _maybe(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {**schema, "optional": True}


FIELDS: dict[str, Any] = {
    "id": TEXT,
    "small": _maybe(kind("int16")),
    "number": _maybe(kind("int64")),
    "ratio": _maybe(kind("double")),
    "flag": _maybe(kind("boolean")),
    "name": _maybe(TEXT),
    "raw": _maybe(kind("bytes")),
    "amount": _maybe(DECIMAL_2),
    "day": _maybe(logical("int32", "org.apache.kafka.connect.data.Date")),
    "clock": _maybe(logical("int32", "org.apache.kafka.connect.data.Time")),
    "at": _maybe(TIMESTAMP),
    "tags": kind("array", items=TEXT, optional=True),
    "grid": kind("array", items=kind("array", items=kind("int32")), optional=True),
    "weight": kind("float", optional=True),
    "address": ADDRESS,
    "price": PRICE,
    "prices": kind("array", items=PRICE, optional=True),
    "during": _maybe(TEXT),
    "state": kind("string", default="NEW"),
}
PRICES = "CREATE TYPE price AS (amount numeric(6,2), currency varchar(3))"
TABLE = """CREATE TABLE t (id text PRIMARY KEY, small smallint, number bigint, ratio float8, flag boolean,
name text CHECK (length(name) < 40), raw bytea, amount numeric, day date, clock time, at timestamptz, tags text[], grid int[], weight numeric,
address jsonb, price price, prices price[], during tsrange, state text, st text)"""


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _values(chance: random.Random) -> dict[str, Any]:
    """A row, with nulls and missing fields as they come."""
    values: dict[str, Any] = {
        "small": chance.randint(-(2**15), 2**15 - 1),
        "number": chance.choice([0, 1, 2**53 + 1, -(2**63), 2**63 - 1]),
        "ratio": chance.choice([0.1, -0.0, 1e300, 3.0, "NaN", "-Infinity"]),
        "flag": chance.random() < 0.5,
        "name": chance.choice(["Ada", "größe", "", "a'b\"c", "\\N", "\t", "x" * 39]),
        "raw": _base64(chance.randbytes(chance.randint(0, 9))),
        "amount": _base64(chance.randint(-(10**25), 10**25).to_bytes(12, "big", signed=True)),
        "day": chance.choice([0, 19_723, -1]),
        "clock": chance.choice([0, 1, 86_399_999, 86_400_000]),
        "at": chance.choice([0, 1_700_000_000_123, -1, 9_223_372_036_825_200]),
        "tags": chance.choice([[], ["a"], ["x,y", '"', "NULL"]]),
        "grid": chance.choice([[], [[1, 2], [3, 4]], [[5]]]),
        "weight": chance.choice([0.1, 16_777_217, 123_456.7891, 3.4028235e38, "NaN"]),
        "address": {
            "city": chance.choice(["x", "ü"]),
            "zip": chance.randint(0, 99_999),
            "share": chance.choice([5, 5.0, 0.5, 1e22, None]),
            "land": chance.choice(["FR", None]),
            "seal": chance.choice(["", "AQ==", "AR==", None]),
        },
        "price": chance.choice([{"currency": "EUR", "amount": "1.50"}, {"currency": "EUR  "}]),
        "prices": chance.choice([[], [{"currency": "EUR", "amount": "-0.1"}, None], [{"currency": '"\\'}]]),
        "during": chance.choice(["empty", "[2024-01-01T10:00:00Z,)", '(,"2024-01-01 10:00"]']),
        "state": chance.choice(["NEW", "PAID"]),
    }
    for name in list(values):
        if chance.random() < 0.1:
            values[name] = None
        elif chance.random() < 0.05:
            del values[name]
    return values


BAD: tuple[Callable[[dict[str, Any]], dict[str, Any]], ...] = (
    lambda row: {**row, "small": 2**15},
    lambda row: {**row, "small": "1"},
    lambda row: {**row, "number": 2**63},
    lambda row: {**row, "flag": 1},
    lambda row: {**row, "name": "x" * 40},
    lambda row: {**row, "name": "a\0b"},
    lambda row: {**row, "name": 5},
    lambda row: {**row, "raw": "%%%"},
    lambda row: {**row, "amount": "%%%"},
    lambda row: {**row, "clock": 86_400_001},
    lambda row: {**row, "clock": -1},
    lambda row: {**row, "at": "now"},
    lambda row: {**row, "at": 2**62},
    lambda row: {**row, "tags": [1]},
    lambda row: {**row, "tags": "a"},
    lambda row: {**row, "grid": [[], []]},
    lambda row: {**row, "grid": [[1], [2, 3]]},
    lambda row: {**row, "weight": 1e39},
    lambda row: {**row, "price": {"currency": "EUR", "amount": "1.505"}},
    lambda row: {**row, "price": {"currency": "EURO"}},
    lambda row: {**row, "price": {"amount": "1.50"}},
    lambda row: {**row, "prices": [{"currency": "EUR", "amount": "99999"}]},
    lambda row: {**row, "during": "[2024-01-02,2024-01-01)"},
    lambda row: {**row, "address": "nowhere"},
    lambda row: {**row, "address": {"city": 1, "zip": 1}},
    lambda row: {**row, "address": {"city": "x"}},
    lambda row: {name: value for name, value in row.items() if name != "id"},
    lambda row: {**row, "id": None},
)


def _messages(seed: int) -> list[Message]:
    chance = random.Random(seed)  # noqa: S311 - a test draws its records, no secrets
    schema = struct(FIELDS)
    found = []
    for _ in range(RECORDS):
        number = chance.randrange(KEYS)
        payload: Any = {"id": f"k{number}", **_values(chance)}
        if chance.random() < 0.06:
            payload = chance.choice(BAD)(payload)
        whole = envelope(schema, payload)
        value: bytes | None = whole
        if chance.random() < 0.02:
            value = whole[:-2] if chance.random() < 0.5 else b"[" * 300
        elif chance.random() < 0.03:
            value = None
        found.append(Message(value=value, key=envelope(TEXT, f"k{number}"), partition=number % PARTITIONS))
    return found


UNRELATED = {
    "transforms": "t",
    "transforms.t.type": "org.apache.kafka.connect.transforms.InsertHeader",
    "transforms.t.header": "seen",
    "transforms.t.value.literal": "yes",
}
UNMET = {
    "transforms": "t",
    "transforms.t.type": "org.apache.kafka.connect.transforms.InsertField$Value",
    "transforms.t.static.field": "st",
    "transforms.t.static.value": "never",
    "transforms.t.predicate": "p",
    "predicates": "p",
    "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
    "predicates.p.name": "nobody",
}
WAYS: dict[str, dict[str, str]] = {
    "as it is": {},
    "one record at a time": {"batch.size": "1"},
    "ten at a time": {"batch.size": "10"},
    "with an unrelated transform": UNRELATED,
    "with a transform whose predicate is not met": UNMET,
    "with a transform, ten at a time": {**UNRELATED, "batch.size": "10"},
    "two tasks": {"tasks.max": "2"},
    "two tasks with a transform": {**UNRELATED, "tasks.max": "2"},
}
MODES = {
    "upsert": {"insert.mode": "upsert", "pk.mode": "record_key", "pk.fields": "id", "delete.enabled": "true"},
    "insert": {"insert.mode": "insert", "pk.mode": "none"},
    "insert with deletes": {
        "insert.mode": "insert",
        "pk.mode": "record_key",
        "pk.fields": "id",
        "delete.enabled": "true",
    },
    "ignore": {"insert.mode": "ignore", "pk.mode": "record_key", "pk.fields": "id", "delete.enabled": "true"},
    "ignore without a key": {"insert.mode": "ignore", "pk.mode": "none"},
}


async def _outcome(
    bootstrap: str, database: str, topic: str, config: Mapping[str, str], mode: str
) -> tuple[list[Any], list[Any]]:
    table = TABLE.replace("id text PRIMARY KEY", "id text NOT NULL") if mode == "insert" else TABLE
    await execute(database, PRICES, table)
    keys = {"topics": topic, "table.name.format": "t", "errors.tolerance": "all", **MODES[mode], **config}
    given = configuration(database, **{key.replace(".", "__"): value for key, value in keys.items()})
    async with connected(bootstrap, given) as connector:
        await wait_until_read(connector, topic, RECORDS, timeout_s=200)
    order = "SELECT t::text FROM t ORDER BY 1"
    dead = 'SELECT partition, "offset" FROM sink.dead_letters ORDER BY 1, 2'
    return await rows(database, order), await rows(database, dead)


def _superseded(messages: Sequence[Message], dead: Collection[tuple[int, int]]) -> set[tuple[int, int]]:
    """The places of records after which another of their key was written: whether the database saw them hangs on the batch."""
    found: set[tuple[int, int]] = set()
    earlier: dict[bytes | None, list[tuple[int, int]]] = {}
    offsets = [0] * PARTITIONS
    for message in messages:
        place = (message.partition, offsets[message.partition])
        offsets[message.partition] += 1
        if place not in dead:
            found.update(earlier.pop(message.key, ()))
        earlier.setdefault(message.key, []).append(place)
    return found


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", [1, 2])
async def test_every_way_leaves_the_same_table_and_the_same_dead_letters(
    mode: str, seed: int, kafka_bootstrap: str, make_database: MakeDatabase, make_topic: MakeTopic
) -> None:
    topic = await make_topic(partitions=PARTITIONS)
    messages = _messages(seed)
    await send(kafka_bootstrap, topic, messages)
    databases = [await make_database() for _ in WAYS]
    outcomes = await asyncio.gather(
        *(
            _outcome(kafka_bootstrap, database, topic, config, mode)
            for database, config in zip(databases, WAYS.values(), strict=True)
        )
    )
    expected_rows, expected_dead = outcomes[0]
    assert expected_rows
    assert expected_dead
    for way, (found_rows, found_dead) in zip(WAYS, outcomes, strict=True):
        only_here = set(found_dead) ^ set(expected_dead)
        may_differ = _superseded(messages, {*found_dead, *expected_dead}) if mode == "upsert" else set()
        assert (way, only_here - may_differ) == (way, set())
        assert (way, found_rows) == (way, expected_rows)
