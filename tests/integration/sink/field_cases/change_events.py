"""Change events of Debezium's as its own sink takes them: truncations, and columns that the source had not at hand."""

import json

from tests.integration.sink.field_cases.case import (
    CREATE,
    DEBEZIUM,
    INT,
    TEXT,
    TEXT_OR_NULL,
    TOLERANT,
    TRANSFORM,
    Case,
    Json,
    Sent,
    envelope,
    kind,
    logical,
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


def _document(operation: str, key: str) -> Sent:
    """An event of MongoDB's: the state is a text."""
    state = logical("string", "io.debezium.data.Json", optional=True)
    schema = struct({"before": state, "after": state, "op": TEXT}, name="server.shop.Envelope")
    after = None if operation == "d" else json.dumps({"_id": key, "v": 1})
    return Sent(
        key=envelope(struct({"id": TEXT}), {"id": key}),
        value=envelope(schema, {"before": None, "after": after, "op": operation}),
    )


def _flat(value: Json, fields: Json) -> Sent:
    return Sent(
        key=envelope(struct({"id": TEXT}), {"id": "a"}), value=envelope(struct(fields), {"id": "a", **value})
    )


def _plain(value: Json, _fields: Json) -> Sent:
    return Sent(key=b'{"id":"a"}', value=json.dumps({"id": "a", **value}).encode())


def _list(items: Json) -> Json:
    return kind("array", items=items)


VARIABLE = struct(
    {"scale": kind("int32"), "value": kind("bytes")}, name="io.debezium.data.VariableScaleDecimal", version=1
)


def _keys(name: str, column: str, schema: Json, payloads: tuple[Json, Json, Json]) -> list[Case]:
    """Keys of a type of Debezium's: the second is equal to the first for the database, the third is deleted."""
    records = [
        Sent(
            key=envelope(struct({"id": schema}), {"id": payload}),
            value=None if number is None else envelope(struct({"v": INT}), {"v": number}),
        )
        for payload, number in (
            (payloads[0], 1),
            (payloads[2], 3),
            (payloads[1], 2),
            (payloads[2], None),
        )
    ]
    return [
        Case(
            name=f"{name} as the key, in a table that is {state}{', with a transform' if transform else ''}",
            sql=[f'CREATE TABLE "T" (id {column} PRIMARY KEY, v int, st text)'] if state == "there" else [],
            config={**NATIVE, **CREATE, **transform},
            records=records,
            rows={'SELECT v FROM "T"': [(2,)]},
        )
        for state in ("there", "made")
        for transform in ({}, TRANSFORM)
    ]


PLACEHOLDER = "__debezium_unavailable_value"
IN_BASE64 = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="
WITHOUT_SCHEMA = {"key.converter.schemas.enable": "false", "value.converter.schemas.enable": "false"}
TWO = [
    'CREATE TABLE "T" (id text PRIMARY KEY, v int)',
    'CREATE TABLE "T_c" (id text PRIMARY KEY, v int, pid text REFERENCES "T")',
    """INSERT INTO "T" VALUES ('p', 1)""",
    """INSERT INTO "T_c" VALUES ('c', 1, 'p')""",
]

CASES = [
    *_keys(
        "a decimal with its own scale",
        "numeric",
        VARIABLE,
        ({"scale": 0, "value": "Bw=="}, {"scale": 1, "value": "Rg=="}, {"scale": 2, "value": "MDk="}),
    ),
    *_keys(
        "microseconds",
        "timestamp",
        logical("int64", "io.debezium.time.MicroTimestamp"),
        (1_704_103_200_123_457, 1_704_103_200_123_457, -1),
    ),
    *_keys(
        "a zoned time",
        "timestamptz",
        logical("string", "io.debezium.time.ZonedTimestamp"),
        ("2024-01-01T10:00:00Z", "2024-01-01T12:00:00+02:00", "2024-01-02T00:00:00Z"),
    ),
    *_keys(
        "a uuid of Debezium's",
        "uuid",
        logical("string", "io.debezium.data.Uuid"),
        (
            "3cfda21b-62c8-47e9-af8b-1b9e46e30bad",
            "3CFDA21B-62C8-47E9-AF8B-1B9E46E30BAD",
            "00000000-0000-0000-0000-000000000000",
        ),
    ),
    *_keys(
        "bits",
        "bit(8)",
        logical("bytes", "io.debezium.data.Bits", parameters={"length": "8"}),
        ("AQ==", "AQA=", "Ag=="),
    ),
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
        name="a truncation of a view",
        sql=['CREATE TABLE "T_b" (id text PRIMARY KEY, v int)', 'CREATE VIEW "T" AS SELECT * FROM "T_b"'],
        config={**EMPTIES, **TOLERANT},
        records=[_row("a", 1), _truncation(), _row("b", 2)],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 1), ("b", 2)]},
        dead=[1],
    ),
    Case(
        name="a truncation that a trigger refuses",
        sql=[
            TABLE,
            """CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'it stays'; END $$""",
            'CREATE TRIGGER t BEFORE TRUNCATE ON "T" FOR EACH STATEMENT EXECUTE FUNCTION "T_f"()',
        ],
        config={**EMPTIES, **TOLERANT},
        records=[_row("a", 1), _truncation(), _row("b", 2)],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 1), ("b", 2)]},
        dead=[1],
    ),
    Case(
        name="a truncation of a table with partitions",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int) PARTITION BY HASH (id)',
            'CREATE TABLE "T_1" PARTITION OF "T" FOR VALUES WITH (MODULUS 1, REMAINDER 0)',
            OLD,
        ],
        config=EMPTIES,
        records=[_row("a", 1), _truncation(), _row("b", 2)],
        rows={'SELECT id, v FROM "T"': [("b", 2)]},
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
            name=f"a column that the source had not at hand stays, in a flat record{where}, {name}",
            sql=[
                f'CREATE TABLE "T" (id text PRIMARY KEY, v int, big {column})',
                f"""INSERT INTO "T" VALUES ('a', 1, '{stored}')""",  # noqa: S608 - our own
            ],
            config=NATIVE | config,
            records=[record({"v": 2, "big": placeholder}, {"id": TEXT, "v": INT, "big": schema})],
            rows={'SELECT v, big::text FROM "T"': [(2, stored)]},
        )
        for where, config, record in (("", {}, _flat), (" without a schema", WITHOUT_SCHEMA, _plain))
        for name, column, schema, placeholder, stored in (
            ("a text", "text", TEXT_OR_NULL, PLACEHOLDER, "kept"),
            ("a hstore's text", "jsonb", TEXT_OR_NULL, f'{{"{PLACEHOLDER}":"{PLACEHOLDER}"}}', '{"k": "v"}'),
            ("bytes", "bytea", kind("bytes"), IN_BASE64, "\\x00ff"),
            ("a list of texts", "text[]", _list(TEXT), [PLACEHOLDER], "{kept}"),
            ("a list of bytes", "bytea[]", _list(kind("bytes")), [IN_BASE64], '{"\\\\x00ff"}'),
            ("a list of numbers", "int[]", _list(kind("int32")), list(PLACEHOLDER.encode()), "{1,2}"),
            (
                "a list of uuids",
                "uuid[]",
                _list(logical("string", "io.debezium.data.Uuid")),
                ["b68a35a7-17ad-35b3-af2a-ae46edb4545a"],
                "{3cfda21b-62c8-47e9-af8b-1b9e46e30bad}",
            ),
        )
    ),
    Case(
        name="documents of MongoDB, whose events hold no rows, among rows",
        sql=[TABLE, """INSERT INTO "T" VALUES ('gone', 1)"""],
        config={**NATIVE, **TOLERANT},
        records=[
            _row("a", 1),
            _document("c", "b"),
            _document("u", "b"),
            _document("d", "gone"),
            _row("c", 2),
        ],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 1), ("c", 2)]},
        dead=[1, 2],
    ),
    Case(
        name="a list of decimals with their own scales, in a table that is made",
        config=NATIVE | CREATE,
        records=[
            _flat(
                {"n": [{"scale": 1, "value": "Dw=="}, {"scale": 0, "value": "Bw=="}]},
                {"id": TEXT, "n": _list(VARIABLE)},
            )
        ],
        rows={'SELECT n::numeric[]::text FROM "T"': [("{1.5,7}",)]},
    ),
]
