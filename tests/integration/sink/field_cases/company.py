"""Records that can only be written together with others of their batch, beside one that cannot be written at all."""

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    INT,
    TEXT,
    TEXT_OR_NULL,
    TOLERANT,
    UPSERT,
    Case,
    Sent,
    envelope,
    keyed,
    row,
    struct,
)

V = {"v": INT}
FIELDS = {"id": TEXT, "v": INT}
TWO_ROWS = """INSERT INTO "T" VALUES ('a', 1), ('b', 2)"""
SWAP = [keyed("a", V, {"v": 2}), keyed("b", V, {"v": 1})]
SWAPPED = {'SELECT id, v FROM "T" ORDER BY id': [("a", 2), ("b", 1)]}
LOWER, UPPER = "3cfda21b-62c8-47e9-af8b-1b9e46e30bad", "3CFDA21B-62C8-47E9-AF8B-1B9E46E30BAD"
OTHER = "00000000-0000-0000-0000-000000000000"
SHORT = {"max.retries": "1", "retry.backoff.ms": "100"}


def _swap(name: str, unique: str, records: list[Sent], *, dead: list[int]) -> Case:
    return Case(
        name=f"two rows that swap a unique value {name}",
        sql=[f'CREATE TABLE "T" (id text PRIMARY KEY, v int CHECK (v > 0) UNIQUE {unique})', TWO_ROWS],
        config={**BY_KEY, **TOLERANT},
        records=records,
        rows=SWAPPED,
        dead=dead,
    )


def _of(topic: str, key: str, other: str, *, value: int = 1) -> Sent:
    fields = {"id": TEXT, "other": TEXT_OR_NULL, "v": INT}
    return Sent(topic=topic, value=envelope(struct(fields), {"id": key, "other": other, "v": value}))


CASES = [
    _swap(
        "which is checked at commit, beside a bad record",
        "DEFERRABLE INITIALLY DEFERRED",
        [*SWAP, keyed("c", V, {"v": -1})],
        dead=[2],
    ),
    Case(
        name="two rows that swap a unique value which is checked at commit, beside one whose value is taken",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int UNIQUE DEFERRABLE INITIALLY DEFERRED)',
            TWO_ROWS,
            """INSERT INTO "T" VALUES ('old', 7)""",
        ],
        config={**BY_KEY, **TOLERANT},
        records=[SWAP[0], keyed("c", V, {"v": 7}), SWAP[1]],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 2), ("b", 1), ("old", 7)]},
        dead=[1],
    ),
    _swap("which may be checked at commit", "DEFERRABLE INITIALLY IMMEDIATE", SWAP, dead=[]),
    _swap(
        "which may be checked at commit, beside a bad record",
        "DEFERRABLE INITIALLY IMMEDIATE",
        [*SWAP, keyed("c", V, {"v": -1})],
        dead=[2],
    ),
    Case(
        name="rows that hand a unique value round which may be checked at commit",
        sql=[
            'CREATE TABLE "T" (id int PRIMARY KEY, v int UNIQUE DEFERRABLE)',
            'INSERT INTO "T" SELECT n, n FROM generate_series(0, 99) AS n',
        ],
        config={**UPSERT, **TOLERANT},
        records=[row({"id": INT, "v": INT}, {"id": n, "v": (n + 1) % 100}) for n in range(100)],
        rows={'SELECT count(*) FROM "T" WHERE v = (id + 1) % 100': [(100,)]},
    ),
    Case(
        name="two rows that swap a unique value which is always checked at once",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int UNIQUE)', TWO_ROWS],
        config={**BY_KEY, **TOLERANT},
        records=[*SWAP, keyed("c", V, {"v": 3})],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 1), ("b", 2), ("c", 3)]},
        dead=[0, 1],
    ),
    Case(
        name="two rows of two tables that refer to each other, beside a bad record",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, other text, v int CHECK (v > 0))',
            """CREATE TABLE "T_c" (id text PRIMARY KEY, other text REFERENCES "T" DEFERRABLE INITIALLY DEFERRED, v int)""",
            'ALTER TABLE "T" ADD FOREIGN KEY (other) REFERENCES "T_c" DEFERRABLE INITIALLY DEFERRED',
        ],
        config={**UPSERT, **TOLERANT, **SHORT, "topics": "T,T_c"},
        records=[_of("T", "a", "b"), _of("T", "bad", "b", value=-1), _of("T_c", "b", "a")],
        rows={'SELECT id FROM "T"': [("a",)], 'SELECT id FROM "T_c"': [("b",)]},
        dead=[1],
    ),
    Case(
        name="a record without a key beside one whose unique value is taken",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int UNIQUE)', """INSERT INTO "T" VALUES ('old', 7)"""],
        config={**UPSERT, **TOLERANT},
        records=[
            row(FIELDS, {"id": "a", "v": 7}),
            row(V, {"v": 8}),
            row(FIELDS, {"id": "b", "v": 9}),
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("b",), ("old",)]},
        dead=[0, 1],
    ),
    Case(
        name="a key in another spelling after one that waits for a unique value",
        sql=[
            'CREATE TABLE "T" (id uuid PRIMARY KEY, v int CHECK (v > 0) UNIQUE)',
            f"""INSERT INTO "T" VALUES ('{OTHER}', 1)""",  # noqa: S608 - our own
        ],
        config={**UPSERT, **TOLERANT},
        records=[
            row(FIELDS, {"id": UPPER, "v": 1}),
            row(FIELDS, {"id": OTHER.replace("0", "1"), "v": -1}),
            row(FIELDS, {"id": LOWER, "v": 2}),
            row(FIELDS, {"id": OTHER, "v": 3}),
        ],
        rows={'SELECT v FROM "T" ORDER BY v': [(2,), (3,)]},
        dead=[1],
    ),
    Case(
        name="a later state that cannot be written after one that waits for a unique value",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int CHECK (v > 0) UNIQUE)',
            """INSERT INTO "T" VALUES ('b', 1)""",
        ],
        config={**UPSERT, **TOLERANT},
        records=[
            row(FIELDS, {"id": "a", "v": 1}),
            row(FIELDS, {"id": "c", "v": 5}),
            row({**FIELDS, "more": INT}, {"id": "a", "v": -1, "more": 1}),
            row(FIELDS, {"id": "b", "v": 2}),
        ],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 1), ("b", 2), ("c", 5)]},
        dead=[2],
    ),
]
