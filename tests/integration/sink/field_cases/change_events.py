"""Change events of Debezium's as its own sink takes them: truncations, and columns that the source had not at hand."""

from tests.integration.sink.field_cases.case import (
    CREATE,
    DEBEZIUM,
    INT,
    TEXT,
    TEXT_OR_NULL,
    TOLERANT,
    Case,
    Json,
    Sent,
    envelope,
    kind,
    struct,
)

NATIVE = {
    "connector.class": DEBEZIUM,
    "insert.mode": "upsert",
    "primary.key.mode": "record_key",
    "delete.enabled": "true",
}
EMPTIES = {**NATIVE, "truncate.enabled": "true"}
TABLE = 'CREATE TABLE "T" (id text PRIMARY KEY, v int)'
OLD = """INSERT INTO "T" VALUES ('old', 0)"""


def _event(operation: str, after: Json, fields: Json, *, key: str | None = None, topic: str = "T") -> Sent:
    row = struct(fields, optional=True)
    schema = struct(
        {
            "before": row,
            "after": row,
            "source": struct({"table": TEXT}, optional=True),
            "op": TEXT,
            "ts_ms": kind("int64", optional=True),
        },
        name="server.shop.Envelope",
    )
    payload = {"before": None, "after": after, "source": {"table": "x"}, "op": operation, "ts_ms": 1}
    return Sent(
        key=None if key is None else envelope(struct({"id": TEXT}), {"id": key}),
        value=envelope(schema, payload),
        topic=topic,
    )


def _row(key: str, number: int, *, topic: str = "T") -> Sent:
    return _event("c", {"id": key, "v": number}, {"id": TEXT, "v": INT}, key=key, topic=topic)


def _truncation(topic: str = "T") -> Sent:
    return _event("t", None, {"id": TEXT, "v": INT}, topic=topic)


def _flat(value: Json, fields: Json) -> Sent:
    return Sent(
        key=envelope(struct({"id": TEXT}), {"id": "a"}), value=envelope(struct(fields), {"id": "a", **value})
    )


PLACEHOLDER = "__debezium_unavailable_value"
TWO = [
    'CREATE TABLE "T" (id text PRIMARY KEY, v int)',
    'CREATE TABLE "T_c" (id text PRIMARY KEY, v int, pid text REFERENCES "T")',
    """INSERT INTO "T" VALUES ('p', 1)""",
    """INSERT INTO "T_c" VALUES ('c', 1, 'p')""",
]

CASES = [
    *(
        Case(
            name=f"a truncation between {count} rows and one",
            sql=[TABLE, OLD],
            config=EMPTIES,
            records=[*(_row(f"k{n}", n) for n in range(count)), _truncation(), _row("k0", -1)],
            rows={'SELECT id, v FROM "T"': [("k0", -1)]},
        )
        for count in (1, 200)
    ),
    Case(
        name="a truncation alone",
        sql=[TABLE, OLD],
        config=EMPTIES,
        records=[_truncation()],
        rows={'SELECT count(*) FROM "T"': [(0,)]},
    ),
    Case(
        name="a truncation that is not enabled is no row",
        sql=[TABLE, OLD],
        config=NATIVE,
        records=[_row("k", 1), _truncation()],
        rows={'SELECT count(*) FROM "T"': [(2,)]},
    ),
    Case(
        name="a truncation of a table that is not there yet",
        config={**EMPTIES, **CREATE},
        records=[_truncation(), _row("k", 1)],
        rows={'SELECT id, v FROM "T"': [("k", 1)]},
    ),
    Case(
        name="a truncation among records that cannot be written",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int CHECK (v >= 0))', OLD],
        config={**EMPTIES, **TOLERANT},
        records=[_row("a", -1), _row("b", 1), _truncation(), _row("c", -1), _row("d", 2)],
        rows={'SELECT id, v FROM "T"': [("d", 2)]},
        dead=[3],
    ),
    Case(
        name="a truncation of a table that another refers to",
        sql=TWO,
        config={**EMPTIES, **TOLERANT},
        records=[_row("q", 2), _truncation(), _row("r", 3)],
        rows={'SELECT id FROM "T" ORDER BY id': [("p",), ("q",), ("r",)]},
        dead=[1],
    ),
    *(
        Case(
            name=f"a column that the source had not at hand stays, in a flat record, {name}",
            sql=[
                f'CREATE TABLE "T" (id text PRIMARY KEY, v int, big {column})',
                f"""INSERT INTO "T" VALUES ('a', 1, '{stored}')""",  # noqa: S608 - our own
            ],
            config=NATIVE,
            records=[_flat({"v": 2, "big": placeholder}, {"id": TEXT, "v": INT, "big": schema})],
            rows={'SELECT v, big::text FROM "T"': [(2, stored)]},
        )
        for name, column, schema, placeholder, stored in (
            ("a text", "text", TEXT_OR_NULL, PLACEHOLDER, "kept"),
            ("bytes", "bytea", kind("bytes"), "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==", "\\x00ff"),
        )
    ),
]
