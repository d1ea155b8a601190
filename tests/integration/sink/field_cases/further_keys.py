"""Keys of further types and of further indexes, keys that are parts of keys, and tables that lack the one an upsert needs."""

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
    envelope,
    keyed,
    kind,
    row,
    struct,
)

BOTH = {**UPSERT, **TOLERANT}
FIELDS = {"id": TEXT, "v": INT}
TABLE = 'CREATE TABLE "T" (id text PRIMARY KEY, v int)'
PAIR = 'CREATE TYPE "T_p" AS (n integer, d numeric(6,2))'
TENANTS = struct({"id": TEXT, "tenant": kind("int32")})


def _equal(name: str, column: str, first: Json, second: Json, *, since: int = 0, **more: Json) -> list[Case]:
    """The later of two spellings counts, in a batch of two and in one that is staged."""
    schema = {"id": more.get("schema", TEXT), "v": INT}
    return [
        Case(
            name=f"{name}, {count} records",
            sql=[*more.get("sql", ()), f'CREATE TABLE "T" (id {column} PRIMARY KEY, v int)'],
            config=BOTH,
            records=[row(schema, {"id": first, "v": 1})] * (count - 1)
            + [row(schema, {"id": second, "v": 2})],
            rows={'SELECT v FROM "T"': [(2,)]},
            since=since,
        )
        for count in (2, 100)
    ]


def _tenant(key: str, tenant: int, value: Json) -> Sent:
    fields = struct({"id": TEXT, "tenant": INT, "v": INT})
    return Sent(
        key=envelope(TENANTS, {"id": key, "tenant": tenant}),
        value=None if value is None else envelope(fields, value),
    )


def _refused(name: str, sql: list[str], fails: str) -> Case:
    return Case(
        name=name,
        sql=sql,
        config=BOTH,
        records=[row(FIELDS, {"id": "a", "v": 1})],
        rows={'SELECT count(*) FROM "T"': [(0,)]},
        fails=fails,
    )


CASES = [
    *_equal("a range as the key, closed and half open", "int4range", "[1,2]", "[1,3)"),
    *_equal(
        "a multirange as the key, closed and half open", "int4multirange", "{[1,2]}", "{[1,3)}", since=14
    ),
    *_equal("an address as the key, with its mask and without", "inet", "10.0.0.1/32", "10.0.0.1"),
    *_equal("an address of IPv6 as the key, in two spellings", "inet", "0:0:0:0:0:0:0:A", "::a"),
    *_equal(
        "a document as the key, a number in it with a point", "jsonb", '{"b":1.0,"a":2}', '{"a":2,"b":1}'
    ),
    *_equal(
        "a list of numbers as the key, with a point and without",
        "numeric[]",
        ["1.0"],
        ["1"],
        schema=kind("array", items=TEXT),
    ),
    *_equal("a double as the key in a real column", "real", 0.1, 0.10000000149011612, schema=kind("double")),
    *_equal("a place in the log as the key, in two spellings", "pg_lsn", "0/0A", "0/A"),
    *_equal("a number as a text as the key, with a nought before it", "int", "01", "1"),
    *_equal("a key of a domain over numbers", '"T_d"', "1.0", "1", sql=['CREATE DOMAIN "T_d" AS numeric']),
    *_equal("words as the key, in two orders", "tsvector", "b a", "a b"),
    *_equal(
        "a text of a composite type as the key, in two spellings",
        '"T_p"',
        "(1,1.5)",
        "( 1,1.50)",
        sql=[PAIR],
    ),
    *_equal(
        "a struct as the key of a composite type, a number with a nought at its end",
        '"T_p"',
        {"n": 1, "d": "1.5"},
        {"n": 1, "d": "1.50"},
        schema=struct({"d": TEXT, "n": INT}),
        sql=[PAIR],
    ),
    *_equal(
        "a list of structs as the key",
        '"T_p"[]',
        [{"n": 1, "d": "1.5"}],
        [{"n": 1, "d": "1.50"}],
        schema=kind("array", items=struct({"d": TEXT, "n": INT})),
        sql=[PAIR],
    ),
    Case(
        name="a key whose index holds another column beside it",
        sql=['CREATE TABLE "T" (id text, v int, PRIMARY KEY (id) INCLUDE (v))'],
        config=BOTH,
        records=[row(FIELDS, {"id": "a", "v": 1}), row(FIELDS, {"id": "a", "v": 2})],
        rows={'SELECT id, v FROM "T"': [("a", 2)]},
    ),
    *(
        Case(
            name=f"nulls as the key of an index that finds them equal, {count} records",
            sql=['CREATE TABLE "T" (id text, v int, UNIQUE NULLS NOT DISTINCT (id))'],
            config=BOTH,
            records=[row({"id": TEXT_OR_NULL, "v": INT}, {"id": None, "v": n}) for n in range(count)],
            rows={'SELECT id, v FROM "T"': [(None, count - 1)]},
            since=15,
        )
        for count in (3, 100)
    ),
    Case(
        name="a generated column as the key",
        sql=[
            'CREATE TABLE "T" (raw text, id text GENERATED ALWAYS AS (lower(raw)) STORED PRIMARY KEY, v int)'
        ],
        config=BOTH,
        records=[
            row({"id": TEXT, "raw": TEXT, "v": INT}, {"id": raw.lower(), "raw": raw, "v": number})
            for number, raw in enumerate(("A", "a", "B"))
        ],
        rows={'SELECT id, raw, v FROM "T" ORDER BY id': [("a", "a", 1), ("b", "B", 2)]},
    ),
    Case(
        name="one field of the record's key as the table's, and a value with another of that name",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, tenant int, v int)'],
        config={**BY_KEY, **TOLERANT},
        records=[
            _tenant("a", 1, {"id": "other", "tenant": 7, "v": 1}),
            _tenant("b", 2, {"id": "b", "tenant": 2, "v": 2}),
            _tenant("b", 3, None),
        ],
        rows={'SELECT id, tenant, v FROM "T"': [("a", 7, 1)]},
    ),
    Case(
        name="a text as the key, and a value with a field of the key's name",
        sql=[TABLE],
        config={**BY_KEY, **TOLERANT},
        records=[
            keyed("a", FIELDS, {"id": "other", "v": 1}),
            keyed("b", FIELDS, {"id": "a", "v": 2}),
            keyed("b", FIELDS, None),
        ],
        rows={'SELECT id, v FROM "T"': [("a", 1)]},
    ),
    _refused(
        "an upsert by a column beside the primary key is told of a unique constraint",
        ['CREATE TABLE "T" (n bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, id text, v int)'],
        'ADD UNIQUE ("id") would add it',
    ),
    _refused(
        "an upsert by a key that is unique among some rows only is told of a key",
        ['CREATE TABLE "T" (id text, v int)', 'CREATE UNIQUE INDEX ON "T" (id) WHERE v > 0'],
        'ADD PRIMARY KEY ("id") would add it',
    ),
    _refused(
        "an upsert by a key without the column that the table is partitioned by is told of it",
        [
            'CREATE TABLE "T" (id text, v int, PRIMARY KEY (id, v)) PARTITION BY LIST (v)',
            'CREATE TABLE "T_1" PARTITION OF "T" DEFAULT',
        ],
        "it is partitioned by v, which each of its keys must hold",
    ),
    _refused(
        "an upsert into a table that is partitioned by an expression is told of it",
        [
            'CREATE TABLE "T" (id text, v int) PARTITION BY LIST (lower(id))',
            'CREATE TABLE "T_1" PARTITION OF "T" DEFAULT',
        ],
        "it is partitioned by an expression",
    ),
    Case(
        name="an upsert by ranges that may not overlap is told of a key",
        sql=['CREATE TABLE "T" (id int4range, d daterange, v int, PRIMARY KEY (id, d WITHOUT OVERLAPS))'],
        config={**BOTH, "pk.fields": "id,d"},
        records=[
            row({"id": TEXT, "d": TEXT, "v": INT}, {"id": "[1,2)", "d": "[2024-01-01,2024-02-01)", "v": 1})
        ],
        rows={'SELECT count(*) FROM "T"': [(0,)]},
        fails='ADD UNIQUE ("id", "d") would add it',
        since=18,
    ),
]
