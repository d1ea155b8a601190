"""Keys that the database finds equal, in spellings that are not; and deletes in every mix."""

from collections.abc import Sequence

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    INT,
    TEXT,
    TEXT_OR_NULL,
    TOLERANT,
    UPSERT,
    Case,
    Json,
    Sent,
    keyed,
    kind,
    logical,
    row,
)

LOWER, UPPER = "3cfda21b-62c8-47e9-af8b-1b9e46e30bad", "3CFDA21B-62C8-47E9-AF8B-1B9E46E30BAD"
FIELDS = {"id": TEXT, "v": INT}
V = {"v": INT}
NO_CASE = """CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"""


def _upserts(*pairs: tuple[Json, int], schema: Json = TEXT) -> list[Sent]:
    return [row({"id": schema, "v": INT}, {"id": key, "v": number}) for key, number in pairs]


def _crowd(first: Json, last: Json, others: Sequence[Json]) -> list[Sent]:
    """Two spellings of one key with a hundred other keys between them."""
    return _upserts((first, 1), *((other, 0) for other in others), (last, 2))


UUIDS = [f"{n:08x}-0000-4000-8000-000000000000" for n in range(100)]

CASES = [
    Case(
        name="a delete that comes alone in its batch",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int)', """INSERT INTO "T" VALUES ('a', 1)"""],
        config=BY_KEY,
        records=[keyed("a", V, None)],
        rows={'SELECT count(*) FROM "T"': [(0,)]},
    ),
    Case(
        name="nothing but deletes of rows that are not there",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int)'],
        config=BY_KEY,
        records=[keyed(str(n), V, None) for n in range(100)],
        rows={'SELECT count(*) FROM "T"': [(0,)]},
    ),
    Case(
        name="deletes that are not enabled are skipped one by one",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int)'],
        config={**BY_KEY, "delete.enabled": "false", **TOLERANT},
        records=[keyed("a", V, {"v": 1}), keyed("a", V, None), keyed("b", V, {"v": 2})],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 1), ("b", 2)]},
    ),
    Case(
        name="a delete among rows",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int)'],
        config=BY_KEY,
        records=[
            keyed("a", V, {"v": 1}),
            keyed("b", V, {"v": 2}),
            keyed("a", V, None),
            keyed("c", V, {"v": 3}),
        ],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("b", 2), ("c", 3)]},
    ),
    Case(
        name="uuid key in two spellings",
        sql=['CREATE TABLE "T" (id uuid PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_upserts((LOWER, 1), (UPPER, 2)),
        rows={'SELECT v FROM "T"': [(2,)]},
    ),
    Case(
        name="uuid key in two spellings, the other way",
        sql=['CREATE TABLE "T" (id uuid PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_upserts((UPPER, 1), (LOWER, 2)),
        rows={'SELECT v FROM "T"': [(2,)]},
    ),
    Case(
        name="uuid key in two spellings in a large batch",
        sql=['CREATE TABLE "T" (id uuid PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd(LOWER, UPPER, UUIDS),
        rows={f"""SELECT v, count(*) OVER () FROM "T" WHERE id = '{LOWER}'""": [(2, 1)]},  # noqa: S608
    ),
    Case(
        name="uuid key with braces and without hyphens",
        sql=['CREATE TABLE "T" (id uuid PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd("{" + LOWER + "}", LOWER.replace("-", ""), UUIDS),
        rows={f"""SELECT v FROM "T" WHERE id = '{LOWER}'""": [(2,)]},  # noqa: S608
    ),
    Case(
        name="delete and insert again in another spelling",
        sql=['CREATE TABLE "T" (id uuid PRIMARY KEY, v int)'],
        config=BY_KEY,
        records=[keyed(UPPER, V, {"v": 1}), keyed(UPPER, V, None), keyed(LOWER, V, {"v": 3})],
        rows={'SELECT v FROM "T"': [(3,)]},
    ),
    Case(
        name="insert in one spelling and delete in the other",
        sql=['CREATE TABLE "T" (id uuid PRIMARY KEY, v int)'],
        config=BY_KEY,
        records=[keyed(LOWER, V, {"v": 1}), keyed(UPPER, V, None)],
        rows={'SELECT count(*) FROM "T"': [(0,)]},
    ),
    Case(
        name="char(n) key with and without padding",
        sql=['CREATE TABLE "T" (id char(6) PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd("k", "k     ", [f"o{n}" for n in range(100)]),
        rows={"""SELECT v FROM "T" WHERE id = 'k'""": [(2,)], 'SELECT count(*) FROM "T"': [(101,)]},
    ),
    Case(
        rich=True,
        name="citext key",
        sql=["CREATE EXTENSION citext", 'CREATE TABLE "T" (id citext PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd("Ada", "ada", [f"o{n}" for n in range(100)]),
        rows={"""SELECT v FROM "T" WHERE id = 'ADA'""": [(2,)], 'SELECT count(*) FROM "T"': [(101,)]},
    ),
    Case(
        rich=True,
        name="key of a collation that ignores case",
        sql=[NO_CASE, 'CREATE TABLE "T" (id text COLLATE no_case PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd("Ada", "ADA", [f"o{n}" for n in range(100)]),
        rows={"""SELECT v FROM "T" WHERE id = 'ada'""": [(2,)], 'SELECT count(*) FROM "T"': [(101,)]},
    ),
    Case(
        name="numeric key 1 and 1.0",
        sql=['CREATE TABLE "T" (id numeric PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd("1", "1.00", [str(n) for n in range(2, 102)]),
        rows={'SELECT v FROM "T" WHERE id = 1': [(2,)], 'SELECT count(*) FROM "T"': [(101,)]},
    ),
    Case(
        name="timestamptz key in two zones",
        sql=['CREATE TABLE "T" (id timestamptz PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd(
            "2024-01-01T10:00:00+02:00",
            "2024-01-01T08:00:00Z",
            [f"2023-01-01T00:{n:02}:00Z" for n in range(60)]
            + [f"2022-01-01T00:{n:02}:00Z" for n in range(40)],
        ),
        rows={"""SELECT v FROM "T" WHERE id = '2024-01-01 08:00+00'""": [(2,)]},
    ),
    Case(
        name="negative zero as a key",
        sql=['CREATE TABLE "T" (id float8 PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_upserts((0.0, 1), (-0.0, 2), schema=kind("double")),
        rows={'SELECT v FROM "T"': [(2,)]},
    ),
    Case(
        name="inet key",
        sql=['CREATE TABLE "T" (id inet PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd("10.0.0.1", "10.0.0.1/32", [f"10.0.1.{n}" for n in range(100)]),
        rows={"""SELECT v FROM "T" WHERE id = '10.0.0.1'""": [(2,)]},
    ),
    Case(
        name="jsonb key",
        sql=['CREATE TABLE "T" (id jsonb PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_upserts(('{"a":1,"b":2}', 1), ('{"b": 2, "a": 1}', 2)),
        rows={'SELECT v FROM "T"': [(2,)]},
    ),
    Case(
        name="a key of two columns, one of them in two spellings",
        sql=['CREATE TABLE "T" (id uuid, part int, v int, PRIMARY KEY (id, part))'],
        config={**UPSERT, "pk.fields": "id,part"},
        records=[
            row({"id": TEXT, "part": kind("int32"), "v": INT}, {"id": key, "part": part, "v": number})
            for key, part, number in ((LOWER, 1, 1), (UPPER, 2, 5), (UPPER, 1, 2))
        ],
        rows={'SELECT part, v FROM "T" ORDER BY part': [(1, 2), (2, 5)]},
    ),
    *(
        Case(
            name=f"keys with a null are as many rows as they are, {count} records",
            sql=['CREATE TABLE "T" (id text, part int, v int, UNIQUE (id, part))'],
            config={**UPSERT, "pk.fields": "id,part"},
            records=[
                row({"id": TEXT, "part": INT, "v": INT}, {"id": "a", "part": part, "v": number})
                for number, part in enumerate((None, 1, None, *range(2, count - 2), 1))
            ],
            rows={
                'SELECT v FROM "T" WHERE part IS NULL ORDER BY v': [(0,), (2,)],
                'SELECT v FROM "T" WHERE part = 1': [(count - 1,)],
            },
        )
        for count in (4, 200)
    ),
    *(
        Case(
            name=f"keys with a null are one where the index has no two of them, {count} records",
            sql=['CREATE TABLE "T" (id text, v int, UNIQUE NULLS NOT DISTINCT (id))'],
            config=UPSERT,
            records=[
                row({"id": TEXT_OR_NULL, "v": INT}, {"id": key, "v": number})
                for number, key in enumerate((None, *(f"{n}" for n in range(count - 3)), "0", None))
            ],
            rows={'SELECT v FROM "T" WHERE id IS NULL': [(count - 1,)]},
            since=15,
        )
        for count in (13, 200)
    ),
    Case(
        name="a null as the key of one column is a row of its own",
        sql=['CREATE TABLE "T" (id uuid UNIQUE, v int)'],
        config=UPSERT,
        records=[
            row({"id": TEXT_OR_NULL, "v": INT}, {"id": key, "v": number})
            for number, key in enumerate((None, UPPER, None, LOWER))
        ],
        rows={'SELECT v FROM "T" ORDER BY v': [(0,), (2,), (3,)]},
    ),
    Case(
        name="timestamp key in microseconds and then in milliseconds",
        sql=['CREATE TABLE "T" (id timestamp PRIMARY KEY, v int)'],
        config=UPSERT,
        records=[
            row({"id": logical("int64", f"io.debezium.time.{name}"), "v": INT}, {"id": number, "v": place})
            for place, (name, number) in enumerate(
                (("MicroTimestamp", 1_704_103_200_123_000), ("Timestamp", 1_704_103_200_123))
            )
        ],
        rows={'SELECT v FROM "T"': [(1,)]},
    ),
    Case(
        name="texts that only look equal stay apart",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int)'],
        config=UPSERT,
        records=_crowd("Ada", "ada", [f"o{n}" for n in range(100)]),
        rows={'SELECT count(*) FROM "T"': [(102,)]},
    ),
]
