"""What could be decided either way, and was (docs/connect-semantics.md)."""

from tests.integration.sink.field_cases.case import TEXT, TOLERANT, UPSERT, Case, kind, row

FIELDS = {"id": TEXT, "b": kind("boolean")}
RECORDS = [row(FIELDS, {"id": "yes", "b": True}), row(FIELDS, {"id": "no", "b": False})]

CASES = [
    Case(
        name="a boolean into smallint is refused",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, b smallint)'],
        config={**UPSERT, **TOLERANT},
        records=RECORDS,
        rows={'SELECT count(*) FROM "T"': [(0,)]},
        dead=[0, 1],
    ),
    Case(
        name="a boolean into an integer",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, b integer)'],
        config=UPSERT,
        records=RECORDS,
        rows={'SELECT id, b FROM "T" ORDER BY id': [("no", 0), ("yes", 1)]},
    ),
]
