"""Views that pass their rows on by INSTEAD OF triggers, and triggers that leave rows out, for a few rows and for many."""

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    INT,
    PLAIN,
    TEXT,
    TOLERANT,
    UPSERT,
    Case,
    keyed,
    row,
)

FIELDS = {"id": TEXT, "v": INT}
V = {"v": INT}
SIZES = (4, 200)
BASE = 'CREATE TABLE "T_b" (id text PRIMARY KEY, v int)'
VIEWS = {
    "of a table": 'SELECT id, v FROM "T_b"',
    "that aggregates": 'SELECT id, max(v) AS v FROM "T_b" GROUP BY id',
    "of a union": """SELECT id, v FROM "T_b" UNION ALL SELECT 'none', 0""",
}
INSTEAD = """CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF TG_OP = 'INSERT' THEN INSERT INTO "T_b" VALUES (new.id, new.v); RETURN new; END IF;
    IF TG_OP = 'UPDATE' THEN UPDATE "T_b" SET v = new.v WHERE id = old.id; RETURN new; END IF;
    DELETE FROM "T_b" WHERE id = old.id; RETURN old;
END $$"""
TRIGGER = """CREATE TRIGGER t INSTEAD OF INSERT OR UPDATE OR DELETE ON "T"
    FOR EACH ROW EXECUTE FUNCTION "T_f"()"""
TABLE = 'CREATE TABLE "T" (id text PRIMARY KEY, v int)'
SKIPS = [
    """CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF TG_OP = 'DELETE' OR new.v % 2 = 1 THEN RETURN NULL; END IF; RETURN new; END $$""",
    """CREATE TRIGGER t BEFORE INSERT OR UPDATE OR DELETE ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()""",
]


def _filled(name: str, count: int) -> str:
    return f"""INSERT INTO "{name}" SELECT 'k' || n, 0 FROM generate_series(1, {count}) AS n"""  # noqa: S608 - our own


CASES = [
    *(
        Case(
            name=f"updates and deletes through a view {name}, {count} rows",
            sql=[BASE, f'CREATE VIEW "T" AS {query}', INSTEAD, TRIGGER, _filled("T_b", count)],
            config={**BY_KEY, "insert.mode": "update"},
            records=[keyed(f"k{n}", V, {"v": 1} if n % 2 else None) for n in range(1, count + 1)],
            rows={'SELECT count(*), sum(v) FROM "T_b"': [(count // 2, count // 2)]},
        )
        for name, query in VIEWS.items()
        for count in SIZES
    ),
    *(
        Case(
            name=f"inserts into a view {name}, {count} rows",
            sql=[BASE, f'CREATE VIEW "T" AS {query}', INSTEAD, TRIGGER],
            config=PLAIN,
            records=[row(FIELDS, {"id": f"k{n}", "v": 1}) for n in range(count)],
            rows={'SELECT count(*), sum(v) FROM "T_b"': [(count, count)]},
        )
        for name, query in VIEWS.items()
        for count in SIZES
    ),
    *(
        Case(
            name=f"a trigger that leaves every other row out, {count} rows, {mode}",
            sql=[TABLE, *SKIPS],
            config={**config, "insert.mode": mode, **TOLERANT},
            records=[row(FIELDS, {"id": f"k{n}", "v": n}) for n in range(count)],
            rows={'SELECT count(*) FROM "T"': [(count // 2,)]},
        )
        for count in SIZES
        for mode, config in (("upsert", UPSERT), ("insert", PLAIN), ("ignore", UPSERT))
    ),
    *(
        Case(
            name=f"a trigger that keeps rows from being deleted, {count} rows",
            sql=[TABLE, *SKIPS, _filled("T", count)],
            config={**BY_KEY, **TOLERANT},
            records=[keyed(f"k{n}", V, None) for n in range(1, count + 1)],
            rows={'SELECT count(*) FROM "T"': [(count,)]},
        )
        for count in SIZES
    ),
]
