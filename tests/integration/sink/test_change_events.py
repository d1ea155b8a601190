"""Change events as Debezium's connectors recorded them, all the way into tables: exact values, and nothing of what is no row.

The recordings and the values that were written at the source are in `tests/contract/sink`.
"""

import json
import uuid
from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from tests.conftest import MakeTopic
from tests.contract.sink.change_event_statements import BIG, POSTGRESQL_TYPES, SPECIALS
from tests.contract.sink.change_event_ways import MARIADB_WAYS, MYSQL_WAYS, POSTGRESQL_WAYS
from tests.contract.sink.mysql_statements import MARIADB_SPECIALS, MARIADB_TYPES, MYSQL_SPECIALS, MYSQL_TYPES
from tests.contract.sink.typed_columns import SNAPSHOT, Typed, created
from tests.support.change_events import recorded
from tests.support.other_servers import require_postgres
from tests.support.sink import Message, configuration, connected, execute, rows, send, wait_until_read

NATIVE = {
    "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
    "insert.mode": "upsert",
    "primary.key.mode": "record_key",
    "delete.enabled": "true",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.replace.null.with.default": "false",  # a null of the source stays one
}
UNWRAPPED = NATIVE | {
    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
    "transforms": "u",
    "transforms.u.type": "io.debezium.transforms.ExtractNewRecordState",
}
SOURCES = pytest.mark.parametrize("source", ["mariadb", "mysql", "postgresql"])
EITHER = pytest.mark.parametrize("keys", [NATIVE, UNWRAPPED], ids=["natively", "by ExtractNewRecordState"])
TABLES = {
    "customers": "id int PRIMARY KEY, name text, place text, note text",
    "items": "order_id text, line int, price numeric(12,2), place text, PRIMARY KEY (order_id, line)",
    "emptied": "id int PRIMARY KEY, place text, more int",
}
LEFT_IN_EMPTIED = {"mariadb": [1, 2, 3, 4], "mysql": [1, 2, 3, 4], "postgresql": [1, 2, 3]}
OF_TABLES = (*TABLES, "kinds")


def message(record: dict[str, Any], prefix: str) -> Message:
    def sent(side: Any) -> bytes | None:
        return None if side is None else json.dumps(side).replace('"server', f'"{prefix}').encode()

    headers = [(name, b"" if value is None else value.encode()) for name, value in record["headers"]]
    return Message(key=sent(record["key"]), value=sent(record["value"]), headers=headers)


async def sent(bootstrap: str, make_topic: MakeTopic, source: str, way: str) -> dict[str, int]:
    """The records of a way, in topics of a prefix of their own; how many there are in each."""
    prefix = f"s{uuid.uuid4().hex[:8]}"
    topics: dict[str, list[Message]] = {}
    for record in recorded(source)["ways"][way]["records"]:
        topics.setdefault(record["topic"].replace("server", prefix), []).append(message(record, prefix))
    for topic, messages in topics.items():
        await make_topic(name=topic)
        await send(bootstrap, topic, messages)
    return {topic: len(messages) for topic, messages in topics.items()}


async def written(bootstrap: str, given: dict[str, str], topics: dict[str, int]) -> None:
    async with connected(bootstrap, given) as connector:
        for topic, count in topics.items():
            await wait_until_read(connector, topic, count, timeout_s=90)


OF_MYSQLS_KIND = {
    "mariadb": (MARIADB_WAYS, {"types": MARIADB_TYPES, "specials": MARIADB_SPECIALS}),
    "mysql": (MYSQL_WAYS, {"types": MYSQL_TYPES, "specials": MYSQL_SPECIALS}),
}
# In a table that we make, what differs: a set is a text, and geometries are the bytes of their WKB.
MADE = {
    "se": ("a,c", ""),
    "po": ("\\x0101000000000000000000f83f00000000000000c0", f"\\x0101000000{'0' * 32}"),
    "gs": ("\\x0101000000000000000000f03f0000000000000040", f"\\x0101000000{'0' * 32}"),
}


# As above; a json is a jsonb, money a numeric, and what Debezium has as a plain text is one.
MADE_OF_POSTGRESQL = {
    "b1": ("true", "false", None),
    "ch": ("ab   ", "größe", None),
    "hs": ('{"k": "v \\"w", "n": null}', "{}", None),
    "ine": ("10.0.0.1/24", "::1", None),
    "js": ('{"a": 2.50}', "null", None),
    "mo": ("-12.34", "92233720368547758.07", None),
    "po": (
        "\\x0101000000000000000000f83f00000000000000c0",
        "\\x01010000009a9999999999b93f9c7500883ce4377e",
        None,
    ),
}


async def texts_in(database: str, table: str, names: Iterable[str]) -> dict[str, tuple[str | None, ...]]:
    """The texts of a table's columns, each in the order of the ids."""
    names = list(names)
    texts = ", ".join(f"{name}::text" for name in names)
    found = await rows(database, f"SELECT {texts} FROM {table} ORDER BY id")  # noqa: S608 - our own names
    return {name: tuple(row[place] for row in found) for place, name in enumerate(names)}


def expected_of(columns: Sequence[Typed], way: str) -> dict[str, tuple[str | None, ...]]:
    """What arrives in each column of MySQL's kind: the first row's `me` was changed, the last row is of nulls and defaults."""
    found: dict[str, tuple[str | None, ...]] = {}
    for each in columns:
        first, second, *last = each.arrives(way)[1]
        found[each.name] = ("7" if each.name == "me" else first, second, *(last or [None]))
    return found


@EITHER
@pytest.mark.parametrize(
    "recording",
    [
        pytest.param((source, way), id=f"{source}: {way}")
        for source, (ways, _) in OF_MYSQLS_KIND.items()
        for way in ways
        if way.startswith("types")
    ],
)
async def test_every_type_of_mariadb_and_mysql_arrives_with_its_value(
    kafka_bootstrap: str,
    database: str,
    make_topic: MakeTopic,
    recording: tuple[str, str],
    keys: dict[str, str],
) -> None:
    source, way = recording
    tables = OF_MYSQLS_KIND[source][1]
    for name, typed in tables.items():
        columns = ", ".join(f"{each.name} {each.arrives(way)[0]}" for each in typed)
        await execute(database, f"CREATE TABLE {name} (id int PRIMARY KEY, {columns})")
    topics = await sent(kafka_bootstrap, make_topic, source, way)
    given = configuration(
        database,
        topics=",".join(topics),
        use__time__zone="UTC" if "Connect" in way else "Asia/Seoul",
    )
    mapping = {topic: topic.rpartition(".")[2].removesuffix("_before") for topic in topics}
    given["topics.to.tables.mapping"] = ",".join(f"{topic}:{table}" for topic, table in mapping.items())
    await written(kafka_bootstrap, given | keys, topics)
    for name, typed in tables.items():
        expected = expected_of(typed, way)
        assert await texts_in(database, name, expected) == expected


async def test_a_table_made_for_mysql_holds_every_value(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topics = await sent(kafka_bootstrap, make_topic, "mysql", SNAPSHOT)
    [topic] = [topic for topic in topics if topic.endswith(".types_before")]
    given = configuration(
        database, topics=topic, table__name__format="made", schema__evolution="basic", use__time__zone="UTC"
    )
    await written(kafka_bootstrap, given | NATIVE, {topic: topics[topic]})
    expected = expected_of(MYSQL_TYPES, SNAPSHOT) | {name: (*texts, None) for name, texts in MADE.items()}
    assert await texts_in(database, "made", expected) == expected


async def of_every_type(database: str) -> None:
    """Make the extensions and the type that the tables of PostgreSQL's types need."""
    for name in ("ltree", "citext", "hstore"):
        await execute(database, f"CREATE EXTENSION {name}")
    await execute(
        database,
        "CREATE SCHEMA shop",
        "CREATE TYPE shop.mood AS ENUM ('happy', 'so so')",
        "CREATE DOMAIN shop.short AS varchar(5)",
    )


@EITHER
@pytest.mark.parametrize("way", [way for way in POSTGRESQL_WAYS if way.startswith("types")])
async def test_every_type_of_postgresql_arrives_with_its_value(
    kafka_bootstrap: str, rich_database: str, make_topic: MakeTopic, way: str, keys: dict[str, str]
) -> None:
    await of_every_type(rich_database)
    arriving = {each.name: each.arrives(way) for each in POSTGRESQL_TYPES}
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in arriving.items())
    await execute(rich_database, f"CREATE TABLE target (id int PRIMARY KEY, {columns})")
    topics = await sent(kafka_bootstrap, make_topic, "postgresql", way)
    kept = {topic: count for topic, count in topics.items() if topic.endswith((".types", ".types_before"))}
    given = configuration(rich_database, topics=",".join(kept), table__name__format="target")
    await written(kafka_bootstrap, given | keys, kept)
    source = [json.loads(text) for text in recorded("postgresql")["rows"]["types"]]
    expected = {
        name: (*texts, None) if texts else tuple(row[name] for row in source)
        for name, (_, texts) in arriving.items()
    }
    assert await texts_in(rich_database, "target", expected) == expected


async def test_a_table_made_for_postgresql_holds_every_value(
    kafka_bootstrap: str, rich_database: str, make_topic: MakeTopic
) -> None:
    topics = await sent(kafka_bootstrap, make_topic, "postgresql", "types")
    [topic] = [topic for topic in topics if topic.endswith(".types")]
    given = configuration(rich_database, topics=topic, table__name__format="made", schema__evolution="basic")
    await written(kafka_bootstrap, given | NATIVE, {topic: topics[topic]})
    source = [json.loads(text) for text in recorded("postgresql")["rows"]["types"]]
    expected = {
        each.name: MADE_OF_POSTGRESQL.get(each.name)
        or (*(each.texts or tuple(row[each.name] for row in source[:2])), None)
        for each in POSTGRESQL_TYPES
    }
    assert await texts_in(rich_database, "made", expected) == expected


@EITHER
@pytest.mark.parametrize(
    "way", [name for name, way in POSTGRESQL_WAYS.items() if {"specials", "specials_before"} & {*way.tables}]
)
async def test_what_is_no_number_and_no_date_arrives_as_it_is_at_the_source(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, way: str, keys: dict[str, str]
) -> None:
    await require_postgres(database, since=14, what="an infinite numeric")
    await execute(database, created("target", SPECIALS))
    topics = await sent(kafka_bootstrap, make_topic, "postgresql", way)
    kept = {
        topic: count for topic, count in topics.items() if topic.endswith((".specials", ".specials_before"))
    }
    given = configuration(database, topics=",".join(kept), table__name__format="target")
    await written(kafka_bootstrap, given | keys, kept)
    texts = ", ".join(f"{each.name}::text" for each in SPECIALS)
    arrived = await rows(database, f"SELECT {texts} FROM target ORDER BY id")  # noqa: S608 - our own names
    source = [json.loads(text) for text in recorded("postgresql")["rows"]["specials"]]
    assert arrived == [tuple(row[each.name] for each in SPECIALS) for row in source]


@EITHER
async def test_what_the_source_had_not_at_hand_stays_as_it_is(
    kafka_bootstrap: str, rich_database: str, make_topic: MakeTopic, keys: dict[str, str]
) -> None:
    await of_every_type(rich_database)
    columns = ", ".join(f"{name} {kind}" for name, kind in BIG.items())
    await execute(rich_database, f"CREATE TABLE big (id int PRIMARY KEY, n int, {columns})")
    topics = await sent(kafka_bootstrap, make_topic, "postgresql", "types")
    kept = {topic: count for topic, count in topics.items() if topic.endswith(".big")}
    given = configuration(rich_database, topics=",".join(kept), table__name__format="big")
    await written(kafka_bootstrap, given | keys, kept)
    whole = "SELECT jsonb_object_agg(key, value)::text FROM big, jsonb_each_text(to_jsonb(big))"
    [(arrived,)], [source] = await rows(rich_database, whole), recorded("postgresql")["rows"]["big"]
    found, expected = json.loads(arrived), json.loads(source)
    assert [name for name in expected if found[name] != expected[name]] == []


def texts_of(found: list[str]) -> list[list[tuple[str, str | None]]]:
    """Rows as their columns' texts, in the order of the rows."""
    read = [json.loads(text, parse_float=str, parse_int=str) for text in found]
    return sorted(sorted(row.items()) for row in read)


@EITHER
@SOURCES
async def test_tables_end_as_they_are_at_the_source(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, source: str, keys: dict[str, str]
) -> None:
    topics = await sent(kafka_bootstrap, make_topic, source, "envelope")
    mapping = []
    for name, columns in TABLES.items():
        await execute(database, f"CREATE TABLE {name} ({columns})")
        mapping += [f"{topic}:{name}" for topic in topics if topic.endswith(f".{name}")]
    given = configuration(database, topics=",".join(each.partition(":")[0] for each in mapping))
    kept = {topic: count for topic, count in topics.items() if topic in given["topics"].split(",")}
    await written(kafka_bootstrap, given | keys | {"topics.to.tables.mapping": ",".join(mapping)}, kept)
    for name in ("customers", "items"):
        found = await rows(database, f"SELECT to_jsonb(t)::text FROM {name} t")  # noqa: S608 - our own names
        assert texts_of([text for (text,) in found]) == texts_of(recorded(source)["rows"][name])
    # A truncation is no row: what was there before it stays.
    assert [key for (key,) in await rows(database, "SELECT id FROM emptied ORDER BY id")] == LEFT_IN_EMPTIED[
        source
    ]


@SOURCES
async def test_what_is_beside_the_tables_leaves_nothing_when_the_pattern_matches_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, source: str
) -> None:
    topics = await sent(kafka_bootstrap, make_topic, source, "everything")
    beside = {topic for topic in topics if not topic.endswith(tuple(f".shop.{name}" for name in OF_TABLES))}
    assert any("heartbeat" in topic for topic in beside)
    assert any("transaction" in topic for topic in beside)
    prefix = next(topic for topic in topics if topic.endswith(".customers")).partition(".")[0]
    given = configuration(
        database, topics__regex=f"(__debezium-heartbeat\\.)?{prefix}.*", schema__evolution="basic"
    )
    await written(kafka_bootstrap, given | NATIVE | {"errors.tolerance": "all"}, topics)
    made = "SELECT count(*), bool_and(relname ~ '(customers|items|emptied|kinds)$') FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
    tables = len(topics) - len(beside)
    assert await rows(database, made) == [(tables, True)]
    assert await rows(database, "SELECT count(*) FROM sink.dead_letters") == [(0,)]
