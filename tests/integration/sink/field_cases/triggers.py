"""Triggers and unique values in further forms: what one row does wrong is that row's, for a few and for many."""

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    INT,
    PLAIN,
    TEXT,
    TOLERANT,
    UPSERT,
    Case,
    Sent,
    keyed,
    row,
)

FIELDS = {"id": TEXT, "v": INT}
V = {"v": INT}
TABLE = 'CREATE TABLE "T" (id text PRIMARY KEY, v int)'
SIZES = (5, 200)


def _rows(count: int, bad: int) -> list[Sent]:
    return [row(FIELDS, {"id": f"k{n:04}", "v": -1 if n == bad else n}) for n in range(count)]


def _function(body: str) -> str:
    return (
        f"""CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN new; END $$"""
    )


REFUSES = "IF new.v < 0 THEN RAISE EXCEPTION 'negative'; END IF;"
REFUSES_ANY = "IF EXISTS (SELECT FROM added WHERE v < 0) THEN RAISE EXCEPTION 'negative'; END IF;"
BOTH = {**UPSERT, **TOLERANT}

CASES = [
    *(
        Case(
            name=f"a trigger that refuses the update of one row, {count} rows, {mode}",
            sql=[
                TABLE,
                f"""INSERT INTO "T" SELECT 'k' || lpad(n::text, 4, '0'), 0 FROM generate_series(0, {count - 1}) AS n""",  # noqa: S608 - our own
                _function(REFUSES),
                'CREATE TRIGGER t BEFORE UPDATE ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
            ],
            config={**BOTH, "insert.mode": mode},
            records=_rows(count, 3),
            rows={
                'SELECT count(*) FROM "T" WHERE v > 0': [(count - 2,)],
                """SELECT v FROM "T" WHERE id = 'k0003'""": [(0,)],
            },
            dead=[3],
        )
        for count in SIZES
        for mode in ("upsert", "update")
    ),
    *(
        Case(
            name=f"a trigger of the whole statement that refuses it for one row, {count} rows, {mode}",
            sql=[
                TABLE,
                _function(REFUSES_ANY),
                """CREATE TRIGGER t AFTER INSERT ON "T" REFERENCING NEW TABLE AS added
                FOR EACH STATEMENT EXECUTE FUNCTION "T_f"()""",
            ],
            config={**config, **TOLERANT},
            records=_rows(count, 3),
            rows={'SELECT count(*) FROM "T"': [(count - 1,)]},
            dead=[3],
        )
        for count in SIZES
        for mode, config in (("upsert", UPSERT), ("insert", PLAIN))
    ),
    *(
        Case(
            name=f"a trigger that gives one row the key of another, {count} rows, insert",
            sql=[
                TABLE,
                _function("IF new.v < 0 THEN new.id := 'k0000'; END IF;"),
                'CREATE TRIGGER t BEFORE INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
            ],
            config={**PLAIN, **TOLERANT},
            records=_rows(count, 3),
            rows={'SELECT count(*) FROM "T"': [(count - 1,)]},
            dead=[3],
        )
        for count in SIZES
    ),
    *(
        Case(
            name=f"a trigger that gives one row the key of another, {count} rows, upsert",
            sql=[
                TABLE,
                _function("IF new.v < 0 THEN new.id := 'k0000'; END IF;"),
                'CREATE TRIGGER t BEFORE INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
            ],
            config=BOTH,
            records=_rows(count, 3),
            rows={
                'SELECT count(*) FROM "T"': [(count - 1,)],
                """SELECT v FROM "T" WHERE id = 'k0000'""": [(-1,)],
            },
        )
        for count in SIZES
    ),
    Case(
        name="a trigger that counts rows in a table of its own, one of them bad",
        sql=[
            TABLE,
            'CREATE TABLE "T_n" (n int)',
            'INSERT INTO "T_n" VALUES (0)',
            """CREATE FUNCTION seen() RETURNS void LANGUAGE sql AS $$ UPDATE "T_n" SET n = n + 1 $$""",
            _function(f"{REFUSES} PERFORM seen();"),
            'CREATE TRIGGER t BEFORE INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
        ],
        config={**PLAIN, **TOLERANT},
        records=_rows(100, 50),
        rows={'SELECT n FROM "T_n"': [(99,)]},
        dead=[50],
    ),
    Case(
        name="a trigger that refuses one row of a partition",
        sql=[
            'CREATE TABLE "T" (id text, v int) PARTITION BY RANGE (v)',
            'CREATE TABLE "T_1" PARTITION OF "T" FOR VALUES FROM (-10) TO (50)',
            'CREATE TABLE "T_2" PARTITION OF "T" FOR VALUES FROM (50) TO (1000)',
            _function(REFUSES),
            'CREATE TRIGGER t BEFORE INSERT ON "T_1" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
        ],
        config={**PLAIN, **TOLERANT},
        records=_rows(100, 40),
        rows={'SELECT count(*) FROM "T"': [(99,)]},
        dead=[40],
    ),
    Case(
        name="a trigger that refuses one row with a policy's words",
        sql=[
            TABLE,
            _function(
                "IF new.v < 0 THEN RAISE insufficient_privilege USING MESSAGE = "
                "'new row violates row-level security policy'; END IF;"
            ),
            'CREATE TRIGGER t BEFORE INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
        ],
        config=BOTH,
        records=_rows(100, 40),
        rows={'SELECT count(*) FROM "T"': [(99,)]},
        dead=[40],
    ),
    Case(
        name="two rows that swap a unique value which is checked at commit",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int UNIQUE DEFERRABLE INITIALLY DEFERRED)',
            """INSERT INTO "T" VALUES ('a', 1), ('b', 2)""",
        ],
        config={**BY_KEY, **TOLERANT},
        records=[keyed("a", V, {"v": 2}), keyed("b", V, {"v": 1})],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 2), ("b", 1)]},
    ),
    Case(
        name="a unique value that goes from row to row in one batch",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int UNIQUE)',
            """INSERT INTO "T" VALUES ('a', 1), ('b', 2), ('c', 3)""",
        ],
        config={**BY_KEY, **TOLERANT},
        records=[keyed("a", V, {"v": 4}), keyed("b", V, {"v": 1}), keyed("c", V, {"v": 2})],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 4), ("b", 1), ("c", 2)]},
    ),
]
