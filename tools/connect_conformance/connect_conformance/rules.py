"""The rules, by number. A number is never given to another rule."""

import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal

import httpx

from connect_conformance.bench import INT32, STRING, Bench, ViolationError, key, person, require, struct

CONNECT = "[Kafka: Connect's REST API](https://kafka.apache.org/documentation/#connect_rest)"
TRANSFORMS = "[Kafka: transformations](https://kafka.apache.org/documentation/#connect_transforms)"
ERRORS = "[Kafka: error reporting](https://kafka.apache.org/documentation/#connect_errorreporting)"
DEBEZIUM = "[Debezium: JDBC sink](https://debezium.io/documentation/reference/stable/connectors/jdbc.html)"
IDS = 'SELECT id, n FROM "T" ORDER BY id'
Check = Callable[[Bench], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """`check` raises `ViolationError` when the worker does something else."""

    number: str
    says: str
    source: str
    check: Check


RULES: list[Rule] = []


def rule(number: str, says: str, source: str) -> Callable[[Check], Check]:
    """Make a function a rule."""

    def decorated(check: Check) -> Check:
        RULES.append(Rule(number=number, says=says, source=source, check=check))
        return check

    return decorated


def status(answer: httpx.Response, code: int) -> None:
    """Raise `ViolationError` for another status."""
    require(
        holds=answer.status_code == code,
        otherwise=f"{answer.request.method} is answered with {answer.status_code}, expected {code}",
    )


async def written(bench: Bench, *records: tuple[bytes | None, bytes | None], **keys: str) -> None:
    """A topic with these records, and a connector that reads it."""
    await bench.topics()
    await bench.send(*records)
    await bench.create(bench.config(**keys))


@rule("REST-1", "`GET /` names version, commit and Kafka cluster", CONNECT)
async def _root(bench: Bench) -> None:
    found = (await bench.ask("GET", "/")).json()
    require(
        holds=found.keys() == {"version", "commit", "kafka_cluster_id"}, otherwise=f"it has {sorted(found)}"
    )


@rule(
    "REST-2",
    "a connector that is made is answered with 201, its name, configuration, tasks and type",
    CONNECT,
)
async def _created(bench: Bench) -> None:
    await bench.topics()
    found = (await bench.create(bench.config(), running=False)).json()
    require(holds=found["name"] == bench.name and found["type"] == "sink", otherwise=json.dumps(found)[:200])
    secret = {"connection.password"}  # a worker may keep it to itself
    told = {name: value for name, value in found["config"].items() if name not in secret}
    given = {name: value for name, value in bench.config().items() if name not in secret}
    require(
        holds=told == {**given, "name": bench.name},
        otherwise="the configuration is not the one that was given",
    )


@rule("REST-3", "a name that is taken is answered with 409", CONNECT)
async def _conflict(bench: Bench) -> None:
    await bench.topics()
    await bench.create(bench.config(), running=False)
    status(await bench.ask("POST", "/connectors", {"name": bench.name, "config": bench.config()}), 409)


@rule("REST-4", "a connector that is not there is answered with 404, error_code and message", CONNECT)
async def _missing(bench: Bench) -> None:
    answer = await bench.ask("GET", bench.path)
    status(answer, 404)
    require(
        holds=answer.json().keys() == {"error_code", "message"}, otherwise=f"it has {sorted(answer.json())}"
    )


@rule("REST-5", "`PUT …/config` makes a connector (201) and changes it (200)", CONNECT)
async def _put(bench: Bench) -> None:
    await bench.topics()
    status(await bench.ask("PUT", f"{bench.path}/config", bench.config()), 201)
    await bench.until_state("RUNNING", tasks=["RUNNING"])
    answer = await bench.ask("PUT", f"{bench.path}/config", bench.config(batch__size="7"))
    status(answer, 200)
    require(holds=answer.json()["config"]["batch.size"] == "7", otherwise="the change is not in the answer")


@rule("REST-6", "`PATCH …/config` changes the keys it names, null removes one", f"{CONNECT}, KIP-477")
async def _patch(bench: Bench) -> None:
    await bench.topics()
    await bench.create(bench.config(batch__size="7"), running=False)
    answer = await bench.ask("PATCH", f"{bench.path}/config", {"batch.size": None, "tasks.max": "2"})
    status(answer, 200)
    found = answer.json()["config"]
    require(
        holds="batch.size" not in found and found["tasks.max"] == "2",
        otherwise="the patch is not in the answer",
    )


@rule("REST-7", "what is sent while a connector is paused is written once it is resumed", CONNECT)
async def _pause(bench: Bench) -> None:
    await written(bench, (None, person("a")))
    await bench.until_rows(IDS, [("a", 1)])
    status(await bench.ask("PUT", f"{bench.path}/pause"), 202)
    await bench.until_state("PAUSED", tasks=["PAUSED"])
    await bench.send((None, person("b")))
    require(holds=await bench.rows(IDS) == [("a", 1)], otherwise="it goes on writing")
    status(await bench.ask("PUT", f"{bench.path}/resume"), 202)
    await bench.until_rows(IDS, [("a", 1), ("b", 1)])


@rule(
    "REST-8",
    "a stopped connector has no tasks, and its offsets as `kafka_topic`, `kafka_partition`, `kafka_offset`",
    f"{CONNECT}, KIP-875",
)
async def _stop(bench: Bench) -> None:
    await written(bench, (None, person("a")), (None, person("b")))
    await bench.until_rows(IDS, [("a", 1), ("b", 1)])
    status(await bench.ask("PUT", f"{bench.path}/stop"), 204)
    await bench.until_state("STOPPED", tasks=[])
    expected = [
        {"partition": {"kafka_topic": bench.topic, "kafka_partition": 0}, "offset": {"kafka_offset": 2}}
    ]

    async def told() -> bool:
        return bool((await bench.ask("GET", f"{bench.path}/offsets")).json().get("offsets") == expected)

    await bench.until(told, what="the offsets of what was written")


@rule(
    "REST-9",
    "offsets can be altered only while it is stopped (else 400); it then reads from there",
    f"{CONNECT}, KIP-875",
)
async def _alter(bench: Bench) -> None:
    await written(bench, (None, person("a")), (None, person("b")))
    await bench.until_rows(IDS, [("a", 1), ("b", 1)])
    body = {
        "offsets": [
            {"partition": {"kafka_topic": bench.topic, "kafka_partition": 0}, "offset": {"kafka_offset": 1}}
        ]
    }
    status(await bench.ask("PATCH", f"{bench.path}/offsets", body), 400)
    await bench.ask("PUT", f"{bench.path}/stop")
    await bench.until_state("STOPPED", tasks=[])
    await bench.execute('DELETE FROM "T"')
    status(await bench.ask("PATCH", f"{bench.path}/offsets", body), 200)
    await bench.ask("PUT", f"{bench.path}/resume")
    await bench.until_rows(IDS, [("b", 1)])


@rule("REST-10", "offsets that are reset make it read from the beginning", f"{CONNECT}, KIP-875")
async def _reset(bench: Bench) -> None:
    await written(bench, (None, person("a")))
    await bench.until_rows(IDS, [("a", 1)])
    await bench.ask("PUT", f"{bench.path}/stop")
    await bench.until_state("STOPPED", tasks=[])
    await bench.execute('DELETE FROM "T"')
    status(await bench.ask("DELETE", f"{bench.path}/offsets"), 200)
    await bench.ask("PUT", f"{bench.path}/resume")
    await bench.until_rows(IDS, [("a", 1)])


@rule(
    "REST-11",
    "a restart that includes tasks is answered with 202 and the status it leads to",
    f"{CONNECT}, KIP-745",
)
async def _restart(bench: Bench) -> None:
    await bench.topics()
    await bench.create(bench.config())
    answer = await bench.ask("POST", f"{bench.path}/restart?includeTasks=true")
    status(answer, 202)
    require(
        holds=answer.json()["connector"]["state"] == "RESTARTING", otherwise="the connector is not RESTARTING"
    )
    await bench.until_state("RUNNING", tasks=["RUNNING"])


@rule("REST-12", "a configuration is validated key by key, and errors are counted", CONNECT)
async def _validate(bench: Bench) -> None:
    config = {"name": bench.name, **bench.config(tasks__max="many")}
    kind = config["connector.class"]
    answer = await bench.ask("PUT", f"/connector-plugins/{kind}/config/validate", config)
    status(answer, 200)
    wrong = [each["value"]["name"] for each in answer.json()["configs"] if each["value"]["errors"]]
    require(
        holds=wrong == ["tasks.max"] and answer.json()["error_count"] > 0,
        otherwise=f"errors are at {wrong}, for a tasks.max that is no number",
    )


@rule(
    "REST-13",
    "connectors are listed with their status and information where these are asked for",
    f"{CONNECT}, KIP-465",
)
async def _expanded(bench: Bench) -> None:
    await bench.topics()
    await bench.create(bench.config(), running=False)

    async def listed() -> bool:
        found = (await bench.ask("GET", "/connectors?expand=status&expand=info")).json()
        return set(found.get(bench.name, {})) == {"status", "info"}

    await bench.until(listed, what="it to be listed with both")


@rule("REST-14", "a connector that is deleted is answered with 204, and gone", CONNECT)
async def _deleted(bench: Bench) -> None:
    await bench.topics()
    await bench.create(bench.config(), running=False)
    status(await bench.ask("DELETE", bench.path), 204)

    async def gone() -> bool:
        return (await bench.ask("GET", bench.path)).status_code == httpx.codes.NOT_FOUND

    await bench.until(gone, what="it to be gone")


@rule("REST-15", "the topics that a connector has used are listed", f"{CONNECT}, KIP-558")
async def _used(bench: Bench) -> None:
    await written(bench, (None, person("a")))

    async def listed() -> bool:
        found = (await bench.ask("GET", f"{bench.path}/topics")).json()
        return bool(found == {bench.name: {"topics": [bench.topic]}})

    await bench.until(listed, what="the topic to be listed")


@rule(
    "TABLE-1", "a table that is missing is made out of the record's schema", f"{DEBEZIUM}, schema.evolution"
)
async def _made(bench: Bench) -> None:
    await written(bench, (None, person("a")))
    await bench.until_rows(IDS, [("a", 1)])


@rule("TABLE-2", "a field that appears later becomes a column", f"{DEBEZIUM}, schema.evolution")
async def _evolved(bench: Bench) -> None:
    later = struct({"id": "b", "n": 2, "w": "x"}, id=STRING, n=INT32, w={"type": "string", "optional": True})
    await written(bench, (None, person("a")), (None, later))
    await bench.until_rows('SELECT id, w FROM "T" ORDER BY id', [("a", None), ("b", "x")])


@rule(
    "TABLE-3", "the table is called as `collection.name.format` says", f"{DEBEZIUM}, collection.name.format"
)
async def _format(bench: Bench) -> None:
    await written(bench, (None, person("a")), collection__name__format="x_${topic}")
    try:
        await bench.until_rows(IDS.replace('"T"', f'"x_{bench.topic}"'), [("a", 1)])
    finally:
        await bench.execute(f'DROP TABLE IF EXISTS "x_{bench.topic}"')


@rule("TABLE-4", "only fields that are listed are written", f"{DEBEZIUM}, field.include.list")
async def _included(bench: Bench) -> None:
    await bench.execute('CREATE TABLE "T" (id text PRIMARY KEY, n int DEFAULT 9)')
    await written(
        bench, (None, person("a")), field__include__list=f"{bench.topic}:id", schema__evolution="none"
    )
    await bench.until_rows(IDS, [("a", 9)])


@rule("KEY-1", "an upsert by the record's key leaves the last state", f"{DEBEZIUM}, insert.mode")
async def _upsert(bench: Bench) -> None:
    records = ((key("a"), person("a", n)) for n in range(5))
    await written(bench, *records, primary__key__mode="record_key")
    await bench.until_rows(IDS, [("a", 4)])


@rule(
    "KEY-2",
    "a record without a value deletes its key's row, where deletes are enabled",
    f"{DEBEZIUM}, delete.enabled",
)
async def _delete(bench: Bench) -> None:
    records = ((key("a"), person("a")), (key("b"), person("b")), (key("a"), None))
    await written(bench, *records, primary__key__mode="record_key", delete__enabled="true")
    await bench.until_rows(IDS, [("b", 1)])


@rule(
    "KEY-3",
    "a record without a value is skipped where deletes are not enabled",
    f"{DEBEZIUM}, delete.enabled",
)
async def _skip(bench: Bench) -> None:
    records = ((key("a"), person("a")), (key("a"), None), (key("b"), person("b")))
    await written(bench, *records, primary__key__mode="record_key")
    await bench.until_rows(IDS, [("a", 1), ("b", 1)])


@rule("KEY-4", "inserted, deleted and inserted again, a row is there", f"{DEBEZIUM}, delete.enabled")
async def _again(bench: Bench) -> None:
    records = ((key("a"), person("a", 1)), (key("a"), None), (key("a"), person("a", 2)))
    await written(bench, *records, primary__key__mode="record_key", delete__enabled="true")
    await bench.until_rows(IDS, [("a", 2)])


@rule("KEY-5", "topic, partition and offset can be the key", f"{DEBEZIUM}, primary.key.mode=kafka")
async def _coordinates(bench: Bench) -> None:
    keys = {"primary.key.mode": "kafka", "primary.key.fields": "", "insert.mode": "insert"}
    await written(
        bench,
        (None, person("a")),
        (None, person("a", 2)),
        **{k.replace(".", "__"): v for k, v in keys.items()},
    )
    await bench.until_rows('SELECT __connect_offset, n FROM "T" ORDER BY 1', [(0, 1), (1, 2)])


@rule("KEY-6", "a header can be the key", f"{DEBEZIUM}, primary.key.mode=record_header")
async def _header(bench: Bench) -> None:
    await bench.topics()
    await bench.send((None, struct({"n": 1}, n=INT32)), hid="h")
    await bench.create(bench.config(primary__key__mode="record_header", primary__key__fields="hid"))
    await bench.until_rows('SELECT hid, n FROM "T"', [("h", 1)])


@rule("KEY-7", "an update changes rows that are there and makes none", f"{DEBEZIUM}, insert.mode")
async def _update(bench: Bench) -> None:
    await bench.execute("""CREATE TABLE "T" (id text PRIMARY KEY, n int); INSERT INTO "T" VALUES ('b', 0)""")
    await written(bench, (None, person("a")), (None, person("b")), insert__mode="update")
    await bench.until_rows(IDS, [("b", 1)])


@rule("VALUE-1", "a Decimal keeps every digit", f"{DEBEZIUM}, data type mappings")
async def _decimal(bench: Bench) -> None:
    kind = {
        "type": "bytes",
        "name": "org.apache.kafka.connect.data.Decimal",
        "version": 1,
        "optional": True,
        "parameters": {"scale": "2"},
    }
    unscaled = 334455667788990079887
    digits = base64.b64encode(unscaled.to_bytes(10, "big")).decode()
    await bench.execute('CREATE TABLE "T" (id text PRIMARY KEY, d numeric)')
    await written(bench, (None, struct({"id": "a", "d": digits}, id=STRING, d=kind)))
    await bench.until_rows('SELECT d FROM "T"', [(Decimal(unscaled).scaleb(-2),)])


@rule(
    "VALUE-2",
    "a null takes its field's default",
    "[Kafka: JsonConverter](https://kafka.apache.org/documentation/#connectconfigs), KIP-581",
)
async def _default(bench: Bench) -> None:
    value = struct({"id": "a", "n": None}, id=STRING, n={**INT32, "default": 7})
    await bench.execute('CREATE TABLE "T" (id text PRIMARY KEY, n int)')
    await written(bench, (None, value))
    await bench.until_rows(IDS, [("a", 7)])


@rule("VALUE-3", "a null that has a default stays where `replace.null.with.default` is false", "KIP-581")
async def _null(bench: Bench) -> None:
    value = struct({"id": "a", "n": None}, id=STRING, n={**INT32, "default": 7})
    await bench.execute('CREATE TABLE "T" (id text PRIMARY KEY, n int)')
    await written(bench, (None, value), value__converter__replace__null__with__default="false")
    await bench.until_rows(IDS, [("a", None)])


@rule("VALUE-4", "a Timestamp is the instant, to the millisecond", f"{DEBEZIUM}, data type mappings")
async def _instant(bench: Bench) -> None:
    kind = {
        "type": "int64",
        "name": "org.apache.kafka.connect.data.Timestamp",
        "version": 1,
        "optional": True,
    }
    await bench.execute('CREATE TABLE "T" (id text PRIMARY KEY, at timestamptz)')
    await written(bench, (None, struct({"id": "a", "at": 1_700_000_000_123}, id=STRING, at=kind)))
    await bench.until_rows(
        'SELECT extract(epoch FROM at)::numeric FROM "T"', [(Decimal("1700000000.123000"),)]
    )


@rule("VALUE-5", "a text goes into a uuid column", f"{DEBEZIUM}, data type mappings")
async def _uuid(bench: Bench) -> None:
    text = "0f8fad5b-d9cb-469f-a165-70867728950e"
    await bench.execute('CREATE TABLE "T" (id text PRIMARY KEY, u uuid)')
    kind = {"type": "string", "optional": True, "name": "io.debezium.data.Uuid", "version": 1}
    await written(bench, (None, struct({"id": "a", "u": text}, id=STRING, u=kind)))
    await bench.until_rows('SELECT u::text FROM "T"', [(text,)])


@rule("SMT-1", "RegexRouter renames the topic, and so the table", TRANSFORMS)
async def _router(bench: Bench) -> None:
    keys = {
        "transforms": "r", "transforms.r.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.r.regex": "(.*)", "transforms.r.replacement": "r_$1",
    }  # fmt: skip
    await written(
        bench, (None, person("a")), **{name.replace(".", "__"): value for name, value in keys.items()}
    )
    try:
        await bench.until_rows(IDS.replace('"T"', f'"r_{bench.topic}"'), [("a", 1)])
    finally:
        await bench.execute(f'DROP TABLE IF EXISTS "r_{bench.topic}"')


@rule("SMT-2", "Filter drops what a predicate finds", f"{TRANSFORMS}, KIP-585")
async def _filter(bench: Bench) -> None:
    keys = {
        "transforms": "f", "transforms.f.type": "org.apache.kafka.connect.transforms.Filter", "transforms.f.predicate": "p",
        "predicates": "p", "predicates.p.type": "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone",
        "primary.key.mode": "record_key", "delete.enabled": "true",
    }  # fmt: skip
    records = ((key("a"), person("a")), (key("a"), None), (key("b"), person("b")))
    await written(bench, *records, **{name.replace(".", "__"): value for name, value in keys.items()})
    await bench.until_rows(IDS, [("a", 1), ("b", 1)])


@rule(
    "ERROR-1", "without tolerance a record that is no JSON fails the task, with a trace", f"{ERRORS}, KIP-298"
)
async def _intolerant(bench: Bench) -> None:
    await bench.topics()
    await bench.send((None, person("a")), (None, b"no JSON"))
    await bench.create(bench.config(), running=False)
    status_ = await bench.until_state("RUNNING", tasks=["FAILED"])
    require(holds=bool(status_["tasks"][0].get("trace")), otherwise="there is no trace")


@rule(
    "ERROR-2",
    "with tolerance it goes to the dead-letter topic with the headers of its place, its neighbours are written",
    f"{ERRORS}, KIP-298",
)
async def _dead_letter(bench: Bench) -> None:
    dead = f"{bench.topic}_dead"
    await bench.topics(dead)
    await bench.send((None, person("a")), (None, b"no JSON"), (None, person("b")))
    keys = {
        "errors.tolerance": "all", "errors.deadletterqueue.topic.name": dead,
        "errors.deadletterqueue.topic.replication.factor": "1", "errors.deadletterqueue.context.headers.enable": "true",
    }  # fmt: skip
    await bench.create(bench.config(**{name.replace(".", "__"): value for name, value in keys.items()}))
    await bench.until_rows(IDS, [("a", 1), ("b", 1)])
    [letter] = await bench.received(dead, 1)
    found = {name: value.decode() for name, value in letter.headers if value is not None}
    place = [found.get(f"__connect.errors.{name}") for name in ("topic", "partition", "offset", "stage")]
    require(holds=place == [bench.topic, "0", "1", "VALUE_CONVERTER"], otherwise=f"the headers say {place}")
    require(holds=letter.value == b"no JSON", otherwise="its value is another one")


@rule(
    "ERROR-3",
    "with tolerance a row that the database refuses is set aside, its neighbours are written",
    f"{ERRORS}, KIP-610",
)
async def _refused(bench: Bench) -> None:
    await bench.execute('CREATE TABLE "T" (id text PRIMARY KEY, n int CHECK (n < 10))')
    records = ((None, person("a")), (None, person("b", 10)), (None, person("c")))
    await written(bench, *records, errors__tolerance="all")
    await bench.until_rows(IDS, [("a", 1), ("c", 1)])


@rule(
    "ERROR-4",
    "a failed task goes on where it was, once what failed it is mended and it is restarted",
    CONNECT,
)
async def _mended(bench: Bench) -> None:
    await bench.execute('CREATE TABLE "T" (id text PRIMARY KEY, n int CHECK (n < 10))')
    await bench.topics()
    await bench.send((None, person("a")), (None, person("b", 10)))
    await bench.create(bench.config(), running=False)
    await bench.until_state("RUNNING", tasks=["FAILED"])
    await bench.execute('ALTER TABLE "T" DROP CONSTRAINT ' + f'"{bench.topic}_n_check"')
    status(await bench.ask("POST", f"{bench.path}/restart?includeTasks=true&onlyFailed=true"), 202)
    await bench.until_rows(IDS, [("a", 1), ("b", 10)])


if len({each.number for each in RULES}) < len(RULES):
    raise ViolationError("two rules have one number")
