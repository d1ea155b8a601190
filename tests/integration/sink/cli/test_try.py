"""`sink-connector try`: what a run would do, on the real topic and the real database, and nothing of it stays."""

import json
import uuid
from pathlib import Path
from typing import Any

import asyncpg
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
    wait_until_read,
)
from tests.support.sink_commands import (
    Ended,
    connector_file,
    database_snapshot,
    kafka_snapshot,
    sink_connector,
)

FIELDS = {"id": STRING, "n": INT64}
UPSERT = {
    "insert__mode": "upsert",
    "pk__mode": "record_value",
    "pk__fields": "id",
    "auto__create": "true",
    "auto__evolve": "true",
    "errors__tolerance": "all",
}


def row(key: str, n: int) -> Message:
    return Message(key=envelope(key, STRING), value=struct({"id": key, "n": n}, **FIELDS))


async def tried(
    folder: Path, bootstrap: str, given: dict[str, str], *words: str, **environment: str
) -> Ended:
    return await sink_connector(
        "try",
        connector_file(folder, given),
        *words,
        environment={"SINK_BOOTSTRAP_SERVERS": bootstrap, **environment},
    )


def results(report: dict[str, Any]) -> list[tuple[int, str]]:
    return [(each["offset"], each["result"]) for each in report["records"]]


@pytest.mark.guarantees("G-SINK-16")
async def test_it_shows_what_a_run_would_do_and_leaves_nothing_of_it(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await execute(
        database,
        f'CREATE TABLE "{topic}" (id text PRIMARY KEY, n bigint CHECK (n < 100), no serial)',
        "CREATE TABLE sums (total numeric)",
    )
    given = await drain(
        kafka_bootstrap, database, topic, [row("a", 1)], **UPSERT,
        errors__deadletterqueue__topic__name=f"{topic}-dead",
        projections="sum",
        projection__sum__sql=f'INSERT INTO sums SELECT sum(n) FROM "new_{topic}"',  # noqa: S608 - the test's own
        notify__channel="changes",
    )  # fmt: skip
    await send(
        kafka_bootstrap,
        topic,
        [
            row("b", 2),
            row("b", 3),
            row("c", 100),
            Message(value=b"nonsense"),
            Message(value=struct({"id": "d", "n": 4, "w": "x"}, **FIELDS, w=optional(STRING))),
            Message(key=envelope("e", STRING), value=None),
        ],
    )
    database_before = await database_snapshot(database)
    kafka_before = await kafka_snapshot(kafka_bootstrap, topic, given["name"], topics=[topic])

    ended = await tried(tmp_path, kafka_bootstrap, given, "--json")

    assert ended.errors == ""
    assert ended.code == 1
    report = ended.report
    assert results(report) == [
        (0, "row"), (1, "row"), (2, "row"), (3, "bad"), (4, "bad"), (5, "row"), (6, "skipped"),
    ]  # fmt: skip
    assert report["ddl"] == [f'ALTER TABLE "public"."{topic}" ADD COLUMN IF NOT EXISTS "w" text']
    assert not report["makes_schema_sink"]
    first, superseded, last, refused, unreadable, evolved, _ = report["records"]
    assert first["table"] == f"public.{topic}"
    assert (first["mode"], first["key"], first["columns"]) == ("upsert", {"id": "a"}, {"n": 1})
    assert superseded["superseded_by"] == {"partition": 0, "offset": 2}
    assert last["columns"] == {"n": 3}
    assert (refused["stage"], refused["error_class"]) == ("TASK_PUT", "CheckViolationError")
    assert (refused["key"], refused["columns"]) == ({"id": "c"}, {"n": 100})
    assert unreadable["stage"] == "VALUE_CONVERTER"
    assert evolved["columns"] == {"n": 4, "w": "x"}
    assert report["rows_written"] == 4  # the batch is halved for its bad record, between the two states of b
    sequence = next(each for each in report["sequences"] if "_no_seq" in each["name"])
    assert sequence["is"] > sequence["was"]

    assert await database_snapshot(database) == database_before
    assert await kafka_snapshot(kafka_bootstrap, topic, given["name"], topics=[topic]) == kafka_before


async def test_more_records_than_a_batch_holds_are_all_shown(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [row(f"id-{number}", number) for number in range(5)])
    given = configuration(database, topics=topic, batch__size="2", **UPSERT)
    ended = await tried(tmp_path, kafka_bootstrap, given, "--json")
    assert results(ended.report) == [(number, "row") for number in range(5)]
    assert ended.report["rows_written"] == 5


async def test_on_a_database_that_has_never_seen_the_connector_nothing_is_made(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [row("a", 1)])
    given = configuration(database, topics=topic, **{**UPSERT, "errors__tolerance": "none"})
    before = await database_snapshot(database)
    ended = await tried(tmp_path, kafka_bootstrap, given)
    assert (ended.code, ended.errors) == (0, "")
    assert "the schema sink and its tables" in ended.output
    assert f'CREATE TABLE IF NOT EXISTS "{topic}"' in ended.output
    assert f'{topic}/0/0  upsert public.{topic}  key {{"id":"a"}}' in ended.output
    assert "1 record: 1 to be written." in ended.output
    assert await database_snapshot(database) == before


@pytest.mark.guarantees("G-SINK-16")
async def test_a_connector_that_runs_goes_on_undisturbed(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [row("a", 1)])
    given = configuration(database, topics=topic, **UPSERT)
    claims = "SELECT epoch FROM sink.offsets"
    async with connected(kafka_bootstrap, given) as connector:
        await wait_until_read(connector, topic, 1)
        before = await rows(database, claims)
        assert (await tried(tmp_path, kafka_bootstrap, given)).code == 0
        await send(kafka_bootstrap, topic, [row("a", 2)])
        await wait_until_read(connector, topic, 2)
        assert await rows(database, claims) == before
    assert await rows(database, f'SELECT n FROM "{topic}"') == [(2,)]  # noqa: S608 - the test's own


async def test_what_the_database_makes_of_a_row_is_shown(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await execute(
        database,
        f'CREATE TABLE "{topic}" (id text PRIMARY KEY, n bigint, u uuid)',
        "CREATE FUNCTION doubled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN new.n = new.n * 2; RETURN new; END $$",
        f'CREATE TRIGGER t BEFORE INSERT ON "{topic}" FOR EACH ROW EXECUTE FUNCTION doubled()',
    )
    spelt = {**FIELDS, "u": STRING}
    await send(
        kafka_bootstrap,
        topic,
        [
            Message(value=struct({"id": "a", "n": 1, "u": str(uuid.UUID(int=10)).upper()}, **spelt)),
            Message(value=struct({"id": "b", "n": 1, "u": "no uuid"}, **spelt)),
        ],
    )
    report = (
        await tried(tmp_path, kafka_bootstrap, configuration(database, topics=topic, **UPSERT), "--json")
    ).report
    good, bad = report["records"]
    assert good["columns"] == {"n": 1, "u": str(uuid.UUID(int=10))}
    assert good["afterwards"] == {"n": 2}
    assert bad["refused_columns"] == {"u": 'invalid input syntax for type uuid: "no uuid"'}


async def test_what_would_fail_the_task_is_said(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [row("a", 1), Message(value=b"nonsense")])
    given = configuration(database, topics=topic, **{**UPSERT, "auto__create": "false"})
    ended = await tried(tmp_path, kafka_bootstrap, given)
    assert (ended.code, ended.errors) == (1, "")
    assert f"The task would fail: table {topic} does not exist; CREATE TABLE" in ended.output
    assert "2 records: 1 bad, 1 not tried." in ended.output


async def test_a_table_that_somebody_holds_is_not_waited_for_long(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await execute(database, f'CREATE TABLE "{topic}" (id text PRIMARY KEY, n bigint)')
    await send(kafka_bootstrap, topic, [row("a", 1)])
    given = configuration(database, topics=topic, **UPSERT)
    holder = await asyncpg.connect(database)
    try:
        async with holder.transaction():
            await holder.execute(f'LOCK TABLE "{topic}"')
            ended = await tried(tmp_path, kafka_bootstrap, given)
    finally:
        await holder.close()
    assert ended.code == 1
    assert "LockNotAvailableError" in ended.output


async def test_places_to_begin_at(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic(partitions=2)
    await send(
        kafka_bootstrap,
        topic,
        [
            Message(value=struct({"id": f"{partition}-{n}", "n": n}, **FIELDS), partition=partition)
            for partition in (0, 1)
            for n in range(5)
        ],
    )
    given = configuration(database, topics=topic, **UPSERT)

    async def places(*words: str) -> list[tuple[int, int]]:
        ended = await tried(tmp_path, kafka_bootstrap, given, "--json", *words)
        assert ended.code == 0, ended.errors
        return [(each["partition"], each["offset"]) for each in ended.report["records"]]

    assert await places("--records", "3") == [(0, 0), (0, 1), (1, 0)]
    assert await places("--records", "4", "--from", "latest") == [(0, 3), (0, 4), (1, 3), (1, 4)]
    assert await places("--from", f"1:3,{topic}:0:4") == [(0, 4), (1, 3), (1, 4)]
    for begin, reason in (("0:9", "which has 0 to 4"), ("2:0", "does not read"), ("noon", "it is earliest")):
        ended = await tried(tmp_path, kafka_bootstrap, given, "--from", begin)
        assert (ended.code, ended.output) == (2, "")
        assert reason in ended.errors


async def test_a_topic_that_is_not_there_is_not_made(
    kafka_bootstrap: str, database: str, tmp_path: Path
) -> None:
    topic = f"test-{uuid.uuid4().hex}"
    given = configuration(database, topics=topic, **UPSERT)
    ended = await tried(tmp_path, kafka_bootstrap, given)
    assert (ended.code, ended.output) == (1, "")
    assert ended.errors == f"sink-connector: there is no topic {topic}\n"
    assert (await kafka_snapshot(kafka_bootstrap, topic, topics=[]))["topics"] == []


async def test_no_secret_is_shown(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [row("a", 1)])
    given = configuration(
        "${env:TARGET}", topics=topic, **UPSERT, transforms="i",
        transforms__i__type="org.apache.kafka.connect.transforms.InsertField$Value",
        transforms__i__static__field="token", transforms__i__static__value="${env:HIDDEN_TOKEN}",
    )  # fmt: skip
    shown = uuid.uuid4().hex
    for words in ([], ["--json"]):
        ended = await tried(tmp_path, kafka_bootstrap, given, *words, TARGET=database, HIDDEN_TOKEN=shown)
        assert ended.code == 0, ended.errors
        assert shown not in ended.output
        assert "[hidden]" in ended.output
    # What is wrong says nothing either.
    _, _, tail = database.rpartition("@")
    ended = await tried(
        tmp_path, kafka_bootstrap, given,
        TARGET=f"postgresql://nobody:unheard-of-word@{tail}", HIDDEN_TOKEN="x" * 20,
    )  # fmt: skip
    assert (ended.code, ended.output) == (1, "")
    assert "unheard-of-word" not in ended.errors
    assert len(ended.errors.splitlines()) == 1


async def test_every_mode_and_source_of_keys_is_shown(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> None:
    topic = await make_topic()
    await send(kafka_bootstrap, topic, [Message(key=b'"k"', value=b'{"n": 1.50}', headers=[("h", b"7")])])
    await execute(database, f'CREATE TABLE "{topic}" (h int PRIMARY KEY, n numeric)')
    given = configuration(
        database, topics=topic, insert__mode="update", pk__mode="record_header", pk__fields="h",
        **{"value.converter.schemas.enable": "false"},
    )  # fmt: skip
    [record] = json.loads((await tried(tmp_path, kafka_bootstrap, given, "--json")).output)["records"]
    assert (record["mode"], record["key"], record["columns"]) == ("update", {"h": 7}, {"n": 1.5})
    assert record["not_there_afterwards"] is True
