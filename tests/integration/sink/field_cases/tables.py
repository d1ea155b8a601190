"""Tables that are more than plain: rules, policies, identities, views; one answer for small and for large batches."""

from tests.integration.sink.field_cases.case import (
    CREATE,
    INT,
    PLAIN,
    TEXT,
    TOLERANT,
    UPSERT,
    Case,
    Sent,
    kind,
    row,
)

FIELDS = {"id": TEXT, "v": INT}


def _rows(count: int) -> list[Sent]:
    return [row(FIELDS, {"id": f"k{n:04}", "v": n}) for n in range(count)]


def _sizes(name: str, sql: list[str], query: str, config: dict[str, str] = PLAIN) -> list[Case]:
    """The same for a batch that is sent row by row and for one that is copied."""
    return [
        Case(
            name=f"{name}, {count} rows",
            sql=sql,
            config=config,
            records=_rows(count),
            rows={query: [(count,)]},
        )
        for count in (3, 200)
    ]


CASES = [
    *_sizes(
        "a rule that sends rows elsewhere",
        [
            'CREATE TABLE "T" (id text, v int)',
            'CREATE TABLE "T_b" (id text, v int)',
            'CREATE RULE r AS ON INSERT TO "T" DO INSTEAD INSERT INTO "T_b" VALUES (new.id, new.v)',
        ],
        'SELECT count(*) FROM "T_b"',
    ),
    *_sizes(
        "row level security, forced",
        [
            'CREATE TABLE "T" (id text, v int)',
            'ALTER TABLE "T" ENABLE ROW LEVEL SECURITY',
            'ALTER TABLE "T" FORCE ROW LEVEL SECURITY',
            'CREATE POLICY p ON "T" USING (true) WITH CHECK (v >= 0)',
        ],
        'SELECT count(*) FROM "T"',
    ),
    *_sizes(
        "a view with an INSTEAD trigger",
        [
            'CREATE TABLE "T_b" (id text, v int)',
            'CREATE VIEW "T" AS SELECT id, v FROM "T_b"',
            """CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN INSERT INTO "T_b" VALUES (new.id, new.v); RETURN new; END $$""",
            'CREATE TRIGGER t INSTEAD OF INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
        ],
        'SELECT count(*) FROM "T_b"',
    ),
    *_sizes(
        "an identity that is always generated, beside the record's fields",
        ['CREATE TABLE "T" (n bigint GENERATED ALWAYS AS IDENTITY, id text, v int)'],
        'SELECT count(*) FROM "T" WHERE n > 0',
    ),
    *_sizes(
        "a generated column",
        ['CREATE TABLE "T" (id text, v int, w int GENERATED ALWAYS AS (v + 1) STORED)'],
        'SELECT count(*) FROM "T" WHERE w = v + 1',
    ),
    *_sizes(
        "a partitioned table",
        [
            'CREATE TABLE "T" (id text, v int) PARTITION BY RANGE (v)',
            'CREATE TABLE "T_1" PARTITION OF "T" FOR VALUES FROM (0) TO (1000)',
        ],
        'SELECT count(*) FROM "T"',
    ),
    *_sizes(
        "upsert into an updatable view",
        ['CREATE TABLE "T_b" (id text PRIMARY KEY, v int)', 'CREATE VIEW "T" AS SELECT id, v FROM "T_b"'],
        'SELECT count(*) FROM "T"',
        UPSERT,
    ),
    *(
        Case(
            name=f"an identity that is always generated, as the key, {mode}",
            sql=['CREATE TABLE "T" (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v int)'],
            config=config,
            records=[
                row({"id": kind("int64"), "v": INT}, {"id": number, "v": number}, key=None)
                for number in range(1, 101)
            ],
            rows={'SELECT count(*) FROM "T" WHERE id = v': [(100,)]},
        )
        for mode, config in (("upsert", UPSERT), ("insert", PLAIN))
    ),
    Case(
        name="a materialized view",
        sql=[
            'CREATE TABLE "T_b" (id text PRIMARY KEY, v int)',
            'CREATE MATERIALIZED VIEW "T" AS SELECT id, v FROM "T_b"',
        ],
        config={**PLAIN, **TOLERANT},
        records=_rows(1),
        rows={'SELECT count(*) FROM "T_b"': [(0,)]},
        fails="cannot change materialized view",
    ),
    Case(
        name="a field that a view has no column for",
        sql=['CREATE TABLE "T_b" (id text PRIMARY KEY, v int)', 'CREATE VIEW "T" AS SELECT id, v FROM "T_b"'],
        config={**UPSERT, **CREATE, **TOLERANT},
        records=[
            row(FIELDS, {"id": "a", "v": 1}),
            row({**FIELDS, "w": INT}, {"id": "b", "v": 1, "w": 1}),
            row(FIELDS, {"id": "c", "v": 1}),
        ],
        rows={'SELECT id FROM "T_b" ORDER BY id': [("a",), ("c",)]},
        dead=[1],
    ),
    Case(
        name="a primary key that is deferrable is named as such",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY DEFERRABLE, v int)'],
        config=UPSERT,
        records=_rows(1),
        rows={'SELECT count(*) FROM "T"': [(0,)]},
        fails="DEFERRABLE",
    ),
    Case(
        name="a bad record with a key that no index takes",
        config={**UPSERT, **CREATE, **TOLERANT},
        records=[
            row(FIELDS, {"id": "a", "v": 1}),
            Sent(value=b"{{", key="".join(chr(0x4E00 + n * 7919 % 20000) for n in range(20_000)).encode()),
            row(FIELDS, {"id": "c", "v": 1}),
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("c",)]},
        dead=[1],
    ),
    Case(
        name="a bad record with U+0000 in the name and the value of a header",
        config={**UPSERT, **CREATE, **TOLERANT},
        records=[
            row(FIELDS, {"id": "a", "v": 1}),
            Sent(value=b"{{", key=b"k\0", headers=[("h\0h", b"v\0v"), ("n", None)]),
            row(FIELDS, {"id": "c", "v": 1}),
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("c",)]},
        dead=[1],
    ),
]
