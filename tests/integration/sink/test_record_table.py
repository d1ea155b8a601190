"""`record.table.field` and `record.table.header`: each record names its table, and a name that will not do is that record's."""

import json
import random

import pytest

from tests.conftest import MakeTopic
from tests.support.sink import (
    INT64,
    STRING,
    Message,
    configuration,
    connected,
    drain,
    envelope,
    execute,
    optional,
    rows,
    send,
    struct,
    task_of,
    wait_until_failed,
    wait_until_read,
)

FIELDS = {"id": INT64, "kind": optional(STRING)}
BY_FIELD = {"record__table__field": "kind", "errors__tolerance": "all"}
BY_HEADER = {"record__table__header": "to", "errors__tolerance": "all"}
MADE = {
    "auto__create": "true",
    "insert__mode": "upsert",
    "pk__mode": "record_value",
    "pk__fields": "id",
}
PLAIN = {"value__converter__schemas__enable": "false", "key__converter__schemas__enable": "false"}
UNRELATED = {
    "transforms": "t",
    "transforms__t__type": "org.apache.kafka.connect.transforms.InsertHeader",
    "transforms__t__header": "seen",
    "transforms__t__value__literal": "yes",
}
DEAD = 'SELECT "offset" FROM sink.dead_letters ORDER BY 1'
TABLES = (
    "SELECT table_schema || '.' || table_name FROM information_schema.tables "
    "WHERE table_schema NOT IN ('sink', 'information_schema') AND table_schema NOT LIKE 'pg\\_%' ORDER BY 1"
)


def row(number: int, kind: str | None, *, header: bytes | None = None) -> Message:
    headers = [] if header is None else [("to", header)]
    return Message(value=struct({"id": number, "kind": kind}, **FIELDS), headers=headers)


HOSTILE = [
    'a"; DROP TABLE first; --',
    "sink.offsets",
    "SINK.dead_letters",
    "pg_catalog.pg_class",
    "pg_temp.x",
    "information_schema.tables",
    "",
    "x" * 64,
    "a.b.c.d\0",
    "a\nb",
    "nowhere.t",
    "first_pkey",
    "no_rows",
]


@pytest.mark.guarantees("G-SINK-15")
@pytest.mark.parametrize("transform", [{}, UNRELATED], ids=["as it is", "with a transform"])
@pytest.mark.parametrize("keys", [BY_FIELD, BY_HEADER], ids=["field", "header"])
async def test_each_record_goes_where_it_says_and_a_hostile_name_is_its_records_dead_letter(
    kafka_bootstrap: str,
    database: str,
    make_topic: MakeTopic,
    keys: dict[str, str],
    transform: dict[str, str],
) -> None:
    topic = await make_topic()
    await execute(
        database,
        "CREATE TABLE first (id bigint PRIMARY KEY, kind text)",
        "CREATE VIEW no_rows AS SELECT id, kind FROM first GROUP BY id",
        'CREATE TABLE "SINK" (id bigint)',
    )
    names = ["first", *HOSTILE, "second", "first"]
    messages = [row(n, name, header=name.encode()) for n, name in enumerate(names)]
    await drain(kafka_bootstrap, database, topic, messages, **keys, **MADE, **transform)
    assert await rows(database, DEAD) == [(n,) for n in range(1, len(HOSTILE) + 1)]
    assert await rows(database, "SELECT id FROM first ORDER BY id") == [(0,), (len(names) - 1,)]
    assert await rows(database, "SELECT id, kind FROM second") == [(len(names) - 2, "second")]
    assert await rows(database, TABLES) == [
        ("public.SINK",),
        ("public.first",),
        ("public.no_rows",),
        ("public.second",),
    ]


async def test_a_record_without_a_name_is_a_dead_letter_that_says_so(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    other = struct({"id": 3}, id=INT64)
    number = struct({"id": 4, "kind": 4}, id=INT64, kind=INT64)
    messages = [row(0, "t"), row(1, None), Message(value=other), Message(value=number)]
    await drain(kafka_bootstrap, database, topic, messages, **BY_FIELD, **MADE)
    assert await rows(database, 'SELECT "offset", error FROM sink.dead_letters ORDER BY 1') == [
        (1, "the field 'kind' of the value is NoneType, and no name of a table"),
        (2, "the value has no field 'kind', which record.table.field needs"),
        (3, "the field 'kind' of the value is int, and no name of a table"),
    ]


async def test_a_header_that_is_missing_null_or_no_text_is_a_dead_letter(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    null = Message(value=row(2, "x").value, headers=[("to", None)])  # type: ignore[list-item] # as Kafka has them
    messages = [
        row(0, "x", header=b"t"),
        row(1, "x"),
        null,
        row(3, "x", header=b"\xff"),
        row(4, "x", header=b"t"),
    ]
    await drain(kafka_bootstrap, database, topic, messages, **BY_HEADER, **MADE)
    assert await rows(database, 'SELECT "offset", stage FROM sink.dead_letters ORDER BY 1') == [
        (offset, "HEADER_CONVERTER") for offset in (1, 2, 3)
    ]
    assert await rows(database, "SELECT id FROM t ORDER BY id") == [(0,), (4,)]


async def test_the_format_binds_every_name_to_one_schema_and_the_field_may_be_left_out(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE SCHEMA inbox")
    messages = [row(1, "a"), row(2, "public.b"), row(3, "sink.offsets")]
    keys = {"table__name__format": "inbox.in_${topic}", "field__exclude__list": "kind"}
    await drain(kafka_bootstrap, database, topic, messages, **BY_FIELD, **MADE, **keys)
    assert await rows(database, TABLES) == [
        ("inbox.in_a",),
        ("inbox.in_public.b",),
        ("inbox.in_sink.offsets",),
    ]
    assert await rows(database, "SELECT * FROM inbox.in_a") == [(1,)]


DEBEZIUMS = {
    "connector__class": "io.debezium.connector.jdbc.JdbcSinkConnector",
    "insert__mode": "upsert",
    "primary__key__mode": "record_key",
    "primary__key__fields": "id",
    "delete__enabled": "true",
    "truncate__enabled": "true",
    "errors__tolerance": "all",
    "schema__evolution": "basic",
}
ROW = {"type": "struct", "optional": True, "fields": [{"field": "id", **INT64}, {"field": "v", **INT64}]}
SOURCE = {
    "type": "struct", "optional": False,
    "fields": [{"field": "db", **STRING}, {"field": "schema", **optional(STRING)}, {"field": "table", **STRING}],
}  # fmt: skip


def event(
    op: str, number: int, v: int, place: tuple[str, str | None, str], *, schemas: bool = True
) -> list[Message]:
    """A change event as Debezium writes it; a deletion is followed by its tombstone."""
    row = {"id": number, "v": v}
    before, after = (row, None) if op == "d" else (None, None if op == "t" else row)
    source = dict(zip(("db", "schema", "table"), place, strict=True))
    payload = {"before": before, "after": after, "op": op, "source": source}
    fields = {"before": ROW, "after": ROW, "op": STRING, "source": SOURCE}
    listed = [{"field": name, **schema} for name, schema in fields.items()]
    envelope = {"schema": {"type": "struct", "name": "s.Envelope", "fields": listed}, "payload": payload}
    key = struct({"id": number}, id=INT64) if schemas else json.dumps({"id": number}).encode()
    value = Message(
        key=None if op == "t" else key, value=json.dumps(envelope if schemas else payload).encode()
    )
    return [value, Message(key=key, value=None)] if op == "d" else [value]


@pytest.mark.parametrize("schemas", [True, False], ids=["with schemas", "without"])
@pytest.mark.parametrize("transform", [{}, UNRELATED], ids=["as it is", "with a transform"])
async def test_a_change_event_goes_to_the_table_that_its_source_names(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, transform: dict[str, str], *, schemas: bool
) -> None:
    topic = await make_topic()
    made = "(id bigint PRIMARY KEY, v bigint)"
    await execute(
        database, "CREATE SCHEMA sales", f'CREATE TABLE sales."a.b" {made}', f"CREATE TABLE sales.x {made}",
        f"CREATE TABLE sales.emptied {made}", "INSERT INTO sales.emptied VALUES (0, 0)",
    )  # fmt: skip
    messages = [
        message
        for op, number, v, place in (
            ("c", 1, 1, ("crm", "sales", "x")),
            ("c", 1, 1, ("crm", "sales", "a.b")),
            ("c", 2, 1, ("crm", "sales", "x")),
            ("u", 1, 2, ("crm", "sales", "x")),
            ("d", 2, 1, ("crm", "sales", "x")),
            ("d", 1, 1, ("crm", "sales", "a.b")),
            ("c", 2, 5, ("crm", "sales", "a.b")),
            ("t", 0, 0, ("crm", "sales", "emptied")),
            ("c", 9, 9, ("crm", None, "x")),
            ("c", 9, 9, ("crm", "sales", 'x"; DROP TABLE sales.x; --')),
            ("c", 9, 9, ("crm", "sink", "offsets")),
        )
        for message in event(op, number, v, place, schemas=schemas)
    ]
    keys = {**DEBEZIUMS, **transform, **({} if schemas else PLAIN)}
    keys["collection__name__format"] = "${source.schema}.${source.table}"
    await drain(kafka_bootstrap, database, topic, messages, **keys)
    assert await rows(database, "SELECT id, v FROM sales.x") == [(1, 2)]
    assert await rows(database, 'SELECT id, v FROM sales."a.b"') == [(2, 5)]
    assert await rows(database, "SELECT id, v FROM sales.emptied") == []
    assert await rows(database, DEAD) == [(len(messages) - 3,), (len(messages) - 2,), (len(messages) - 1,)]


async def test_topic_and_source_make_a_name_together_and_what_is_no_change_event_is_a_bad_record(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    flat = Message(key=struct({"id": 7}, id=INT64), value=struct({"id": 7, "v": 7}, id=INT64, v=INT64))
    messages = [*event("c", 1, 1, ("crm", None, "T")), flat, *event("c", 2, 2, ("CRM", None, "t"))]
    keys = {
        **DEBEZIUMS,
        "quote__identifiers": "false",
        "collection__name__format": "${topic}_${source.db}_${source.table}",
    }
    await drain(kafka_bootstrap, database, topic, messages, **keys)
    name = f"{topic.replace('.', '_')}_crm_t".lower()
    assert await rows(database, f'SELECT id, v FROM "{name}" ORDER BY id') == [(1, 1), (2, 2)]  # noqa: S608 - its own topic
    [(offset, error)] = await rows(database, 'SELECT "offset", error FROM sink.dead_letters')
    assert (offset, "is no change event" in error) == (1, True)


@pytest.mark.parametrize("batch", ["1", "1000"])
async def test_records_of_one_table_keep_their_order_however_its_name_is_spelled(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, batch: str
) -> None:
    topic = await make_topic()
    messages = [row(1, name) for name in ("T", "t", "T", "t", "T")]
    keys = {"quote__sql__identifiers": "never", "linger__ms": "300", "batch__size": batch}
    await drain(kafka_bootstrap, database, topic, messages, **BY_FIELD, **MADE, **keys)
    assert await rows(database, "SELECT id, kind FROM t") == [(1, "T")]


@pytest.mark.parametrize("schemas", [True, False], ids=["with schemas", "without"])
async def test_a_deletion_finds_its_table_by_the_key_or_the_header(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, *, schemas: bool
) -> None:
    for name in ("a", "b"):
        await execute(
            database, f"CREATE TABLE {name} (id bigint, kind text, v bigint, PRIMARY KEY (id, kind))"
        )

    def key(number: int, kind: str) -> bytes:
        payload = {"id": number, "kind": kind}
        return struct(payload, id=INT64, kind=STRING) if schemas else json.dumps(payload).encode()

    def record(number: int, kind: str) -> Message:
        payload = {"kind": kind, "v": number}
        value = struct(payload, kind=STRING, v=INT64) if schemas else json.dumps(payload).encode()
        return Message(key=key(number, kind), value=value, headers=[("to", kind.encode())])

    def gone(number: int, kind: str) -> Message:
        return Message(key=key(number, kind), value=None, headers=[("to", kind.encode())])

    messages = [record(1, "a"), record(1, "b"), record(2, "a"), gone(1, "a"), gone(2, "b")]
    keys = {
        "insert__mode": "upsert",
        "pk__mode": "record_key",
        "pk__fields": "id,kind",
        "delete__enabled": "true",
        **({} if schemas else PLAIN),
    }
    for by in (BY_FIELD, BY_HEADER):
        topic = await make_topic()
        await drain(kafka_bootstrap, database, topic, messages, **by, **keys)
        assert await rows(database, "SELECT id, v FROM a ORDER BY id") == [(2, 2)]
        assert await rows(database, "SELECT id, v FROM b ORDER BY id") == [(1, 1)]
        await execute(database, "TRUNCATE a, b")
    assert await rows(database, DEAD) == []


async def test_a_deletion_whose_key_names_no_table_is_a_dead_letter_where_it_would_have_deleted(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    await execute(database, "CREATE TABLE t (id bigint PRIMARY KEY, kind text)")
    gone = Message(key=envelope(1, INT64), value=None)
    keys = {"insert__mode": "upsert", "pk__mode": "record_key", "pk__fields": "id"}
    for deletes, dead in (("false", 0), ("true", 1)):
        topic = await make_topic()
        await drain(kafka_bootstrap, database, topic, [gone], **BY_FIELD, **keys, delete__enabled=deletes)
        assert len(await rows(database, DEAD)) == dead


async def test_a_table_that_is_not_there_or_lacks_the_key_is_the_records_failure(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    await execute(
        database,
        "CREATE TABLE t (id bigint PRIMARY KEY, kind text)",
        "CREATE TABLE keyless (id bigint, kind text)",
    )
    topic = await make_topic()
    messages = [row(0, "t"), row(1, "keyless"), row(2, "missing"), row(3, "t")]
    await drain(kafka_bootstrap, database, topic, messages, **BY_FIELD, **MADE | {"auto__create": "false"})
    assert await rows(database, DEAD) == [(1,), (2,)]
    assert await rows(database, "SELECT id FROM t ORDER BY id") == [(0,), (3,)]


async def test_without_a_schema_the_field_names_the_table_too(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    await execute(database, "CREATE TABLE a (id bigint, kind text)", "CREATE TABLE b (id bigint, kind text)")
    topic = await make_topic()
    values = [{"id": n, "kind": "ab"[n % 2]} for n in range(100)]
    messages = [Message(value=json.dumps(each).encode()) for each in values]
    await drain(kafka_bootstrap, database, topic, messages, **BY_FIELD, **PLAIN)
    assert await rows(database, "SELECT count(*), min(kind), max(kind) FROM a") == [(50, "a", "a")]
    assert await rows(database, "SELECT count(*), min(kind), max(kind) FROM b") == [(50, "b", "b")]


async def test_any_number_of_tables_is_written_with_bounded_knowledge_of_them(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    count = 560  # more than what is remembered
    made = (
        f"CREATE TABLE t{n} (id bigint PRIMARY KEY, kind text)" for n in range(count - 5)
    )  # the others: on the way
    await execute(database, *made)
    chance = random.Random(4)  # noqa: S311 - the same records every time
    numbers = [*range(count), *range(0, count, 4)]
    chance.shuffle(numbers)
    messages = [row(n, f"t{n}") for n in numbers]
    await send(kafka_bootstrap, topic, messages)
    given = configuration(database, topics=topic, **BY_FIELD, **MADE)
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, len(messages), timeout_s=240)
        plans = task_of(connector).writer._plans  # noqa: SLF001 - what it holds shows nowhere else
        assert len(plans._tables) < count  # noqa: SLF001 - as above
        assert len(plans._stages) < count  # noqa: SLF001 - as above
    assert await rows(database, "SELECT count(*) FROM pg_class WHERE relname ~ '^t[0-9]+$'") == [(count,)]
    assert await rows(database, "SELECT kind FROM t0 UNION SELECT kind FROM t559") == [("t0",), ("t559",)]


@pytest.mark.parametrize("order", [1, -1])
async def test_a_bad_record_does_not_make_one_of_those_that_need_a_new_column(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, order: int
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE TABLE t (id bigint, kind text CHECK (kind <> 'bad'))")
    longer = struct({"id": 2, "kind": "x", "more": 1}, **FIELDS, more=optional(INT64))
    messages = [row(1, "bad"), Message(value=longer)][::order]
    keys = {
        "table__name__format": "t",
        "auto__evolve": "true",
        "errors__tolerance": "all",
        "linger__ms": "300",
    }
    await drain(kafka_bootstrap, database, topic, messages, **keys)
    assert await rows(database, "SELECT id, more FROM t") == [(2, 1)]
    assert len(await rows(database, DEAD)) == 1


async def test_a_topic_whose_name_something_else_has_fails_its_task_instead_of_trying_for_ever(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic
) -> None:
    topic = await make_topic()
    await execute(database, "CREATE SEQUENCE t")
    await send(kafka_bootstrap, topic, [row(1, "x")])
    given = configuration(database, topics=topic, table__name__format="t", auto__create="true")
    async with connected(kafka_bootstrap, given) as connector:
        assert "something else has the name" in await wait_until_failed(connector)
