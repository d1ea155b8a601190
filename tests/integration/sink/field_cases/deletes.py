"""Deletes and keys in further mixes: null in every spelling, keys that are lists or documents, versions that only the database can order."""

import json

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    DECIMAL_2,
    INT,
    TEXT,
    TIMESTAMP,
    TOLERANT,
    TRANSFORM,
    UPSERT,
    Case,
    Json,
    Sent,
    envelope,
    keyed,
    kind,
    logical,
    row,
    struct,
)

V = {"v": INT}
TABLE = 'CREATE TABLE "T" (id text PRIMARY KEY, v int, st text)'
OLD = """INSERT INTO "T" VALUES ('a', 1)"""
REST = {'SELECT id, v FROM "T" ORDER BY id': [("b", 2)]}
OPTIONAL = struct(V, optional=True)
PLAIN_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
}
ZONED = logical("string", "io.debezium.time.ZonedTimestamp")
HEADED = {
    "transforms": "n",
    "transforms.n.type": "org.apache.kafka.connect.transforms.InsertHeader",
    "transforms.n.header": "h",
    "transforms.n.value.literal": "1",
}


def _null(name: str, value: bytes, config: dict[str, str], other: bytes) -> list[Case]:
    """A value that is null in the converter's own spelling deletes, alone and beside a row, with a transform and without."""
    return [
        Case(
            name=f"{name} is a delete, {mix}{', with a transform' if transform else ''}",
            sql=[TABLE, OLD, *([] if beside else ["""INSERT INTO "T" VALUES ('b', 2)"""])],
            config={**BY_KEY, **config, **transform},
            records=[
                Sent(value=value, key=envelope(TEXT, "a")),
                *([Sent(value=other, key=envelope(TEXT, "b"))] if beside else []),
            ],
            rows=REST,
        )
        for mix, beside in (("alone", False), ("beside a row", True))
        for transform in ({}, TRANSFORM)
    ]


def _composite(part: Json, number: int | None) -> Sent:
    key = envelope(struct({"id": TEXT, "part": kind("int32")}), {"id": "a", "part": part})
    return Sent(key=key, value=None if number is None else envelope(struct(V), {"v": number}))


def _versions(name: str, column: str, schema: Json, older: Json, newer: Json) -> list[Case]:
    """The newer state comes first: it must stay, whether both are in one batch of few or with many between them."""
    return [
        Case(
            name=f"{name}, {count} records{', with a transform' if transform else ''}",
            sql=[f'CREATE TABLE "T" (id text PRIMARY KEY, ver {column}, v int, st text)'],
            config={**UPSERT, "version.field": "ver", **transform},
            records=[
                row({"id": TEXT, "ver": schema, "v": INT}, {"id": key, "ver": version, "v": number})
                for key, version, number in (
                    ("a", newer, 2),
                    *((f"o{n}", older, 0) for n in range(count - 2)),
                    ("a", older, 1),
                )
            ],
            rows={"SELECT v FROM \"T\" WHERE id = 'a'": [(2,)]},
        )
        for count in (2, 100)
        for transform in ({}, TRANSFORM)
    ]


def _of_texts(key: Json) -> bytes:
    return envelope(kind("array", items=TEXT), key)


def _without_schema(key: Json) -> bytes:
    return json.dumps(key).encode()


def _list_keys(count: int) -> list[Sent]:
    schema = {"id": kind("array", items=TEXT), "v": INT}
    return [
        row(schema, {"id": ["a", "b"], "v": 1}),
        *(row(schema, {"id": ["o", str(n)], "v": 0}) for n in range(count - 2)),
        row(schema, {"id": ["a", "b"], "v": 2}),
    ]


CASES = [
    *_null(
        "an envelope whose schema and payload are null",
        b'{"schema":null,"payload":null}',
        {},
        envelope(OPTIONAL, {"v": 2}),
    ),
    *_null(
        "an envelope whose payload alone is null",
        envelope(OPTIONAL, None),
        {},
        envelope(OPTIONAL, {"v": 2}),
    ),
    *_null("a JSON null", b"null", PLAIN_JSON, b'{"v":2}'),
    Case(
        name="a delete without a key among rows",
        sql=[TABLE, OLD],
        config={**BY_KEY, **TOLERANT},
        records=[keyed("b", V, {"v": 2}), Sent(value=None), keyed("a", V, None)],
        rows=REST,
        dead=[1],
    ),
    Case(
        name="a delete of one part of a composite key",
        sql=['CREATE TABLE "T" (id text, part int, v int, PRIMARY KEY (id, part))'],
        config={**BY_KEY, "pk.fields": "id,part"},
        records=[_composite(1, 1), _composite(2, 2), _composite(1, None)],
        rows={'SELECT part, v FROM "T"': [(2, 2)]},
    ),
    Case(
        name="deletes beside updates of rows that are there",
        sql=[TABLE, OLD, """INSERT INTO "T" VALUES ('b', 1)"""],
        config={**BY_KEY, "insert.mode": "update"},
        records=[keyed("a", V, None), keyed("b", V, {"v": 2}), keyed("c", V, {"v": 3}), keyed("d", V, None)],
        rows=REST,
    ),
    *(
        Case(
            name=f"deletes beside plain inserts of a key that is taken, {name}",
            sql=[TABLE, OLD],
            config={**BY_KEY, "insert.mode": "insert", **TOLERANT},
            records=[keyed("a", V, {"v": 2}), keyed("a", V, None), *later],
            rows={'SELECT id, v FROM "T" ORDER BY id': rows},
            dead=dead,
        )
        for name, later, rows, dead in (
            ("a delete at the end", [], [], [0]),
            ("an insert at the end", [keyed("a", V, {"v": 3})], [("a", 3)], [0]),
        )
    ),
    Case(
        name="deletes beside rows that are to stay as they came first",
        sql=[TABLE, OLD],
        config={**BY_KEY, "insert.mode": "ignore"},
        records=[keyed("a", V, None), keyed("b", V, {"v": 2}), keyed("b", V, {"v": 3})],
        rows=REST,
    ),
    Case(
        name="a delete that a trigger refuses among deletes",
        sql=[
            TABLE,
            """INSERT INTO "T" SELECT 'k' || n, n FROM generate_series(1, 100) AS n""",
            """CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF old.v = 50 THEN RAISE EXCEPTION 'it stays'; END IF; RETURN old; END $$""",
            'CREATE TRIGGER t BEFORE DELETE ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
        ],
        config={**BY_KEY, **TOLERANT},
        records=[keyed(f"k{n}", V, None) for n in range(1, 101)],
        rows={'SELECT v FROM "T"': [(50,)]},
        dead=[49],
    ),
    *(
        Case(
            name=f"a list of texts as the key, {count} records{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id text[] PRIMARY KEY, v int, st text)'],
            config={**UPSERT, **transform},
            records=_list_keys(count),
            rows={"""SELECT v FROM "T" WHERE id = '{a,b}'""": [(2,)]},
        )
        for count in (2, 100)
        for transform in ({}, TRANSFORM)
    ),
    *(
        Case(
            name=f"a list of texts as the whole key of a record{how}",
            sql=['CREATE TABLE "T" (id text[] PRIMARY KEY, v int, st text)'],
            config={**BY_KEY, **config},
            records=[
                Sent(key=made(key), value=None if number is None else envelope(struct(V), {"v": number}))
                for key, number in ((["a", "b"], 1), (["c"], 2), (["a", "b"], 3), (["c"], None))
            ],
            rows={'SELECT id, v FROM "T"': [(["a", "b"], 3)]},
        )
        for how, config, made in (
            ("", {}, _of_texts),
            (", with a transform", HEADED, _of_texts),
            (
                " without a schema",
                {
                    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
                    "key.converter.schemas.enable": "false",
                },
                _without_schema,
            ),
        )
    ),
    *(
        Case(
            name=f"a list of texts as the key, alone{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id text[] PRIMARY KEY, v int, st text)'],
            config={**UPSERT, **transform},
            records=_list_keys(2)[:1],
            rows={"""SELECT v FROM "T" WHERE id = '{a,b}'""": [(1,)]},
        )
        for transform in ({}, TRANSFORM)
    ),
    *(
        Case(
            name=f"a struct as the key, {count} records{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id jsonb PRIMARY KEY, v int, st text)'],
            config={**UPSERT, **transform},
            records=[
                row({"id": struct({"a": kind("int32")}), "v": INT}, {"id": {"a": 1}, "v": n})
                for n in range(count)
            ],
            rows={'SELECT v FROM "T"': [(count - 1,)]},
        )
        for count in (1, 2)
        for transform in ({}, TRANSFORM)
    ),
    *_versions("a decimal as the version", "numeric", DECIMAL_2, "MDk=", "AOBa"),
    *_versions(
        "an instant in a text as the version",
        "timestamptz",
        ZONED,
        "2024-01-01T10:00:00+02:00",
        "2024-01-01T09:00:00Z",
    ),
    *_versions("a text of a number as the version", "bigint", TEXT, "9", "10"),
    *_versions("a Timestamp as the version", "timestamptz", TIMESTAMP, 999, 1000),
    *_versions("NaN as the version", "double precision", kind("double"), 1.0, "NaN"),
    *(
        Case(
            name=f"a version without a schema{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id text PRIMARY KEY, ver bigint, v int, st text)'],
            config={**UPSERT, **PLAIN_JSON, "version.field": "ver", **transform},
            records=[
                Sent(key=None, value=b'{"id":"a","ver":10,"v":2}'),
                Sent(key=None, value=b'{"id":"a","ver":9,"v":1}'),
            ],
            rows={'SELECT v FROM "T"': [(2,)]},
        )
        for transform in ({}, TRANSFORM)
    ),
    *(
        Case(
            name=f"a null version after one that is known, {count} records",
            sql=['CREATE TABLE "T" (id text PRIMARY KEY, ver int, v int)'],
            config={**UPSERT, "version.field": "ver"},
            records=[
                row({"id": TEXT, "ver": INT, "v": INT}, {"id": key, "ver": version, "v": number})
                for key, version, number in (
                    ("a", 5, 1),
                    *((f"o{n}", 1, 0) for n in range(count - 2)),
                    ("a", None, 2),
                )
            ],
            rows={"SELECT ver, v FROM \"T\" WHERE id = 'a'": [(5, 1)]},
        )
        for count in (2, 100)
    ),
    Case(
        name="a version without a schema and in capitals, where names are folded",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, ver bigint, v int)'],
        config={**UPSERT, **PLAIN_JSON, "version.field": "Ver", "quote.sql.identifiers": "never"},
        records=[
            Sent(key=None, value=b'{"id":"a","Ver":10,"v":2}'),
            Sent(key=None, value=b'{"id":"a","Ver":9,"v":1}'),
        ],
        rows={'SELECT ver, v FROM "T"': [(10, 2)]},
    ),
    Case(
        name="a known version after a null one",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, ver int, v int)'],
        config={**UPSERT, "version.field": "ver"},
        records=[
            row({"id": TEXT, "ver": INT, "v": INT}, {"id": "a", "ver": version, "v": number})
            for version, number in ((None, 1), (3, 2), (2, 3), (None, 4))
        ],
        rows={'SELECT ver, v FROM "T"': [(3, 2)]},
    ),
    Case(
        name="interval key of a day and of 24 hours",
        sql=['CREATE TABLE "T" (id interval PRIMARY KEY, v int)'],
        config=UPSERT,
        records=[
            row({"id": TEXT, "v": INT}, {"id": key, "v": n}) for n, key in enumerate(("1 day", "24 hours"))
        ],
        rows={'SELECT v FROM "T"': [(1,)]},
    ),
    Case(
        name="NaN as a key",
        sql=['CREATE TABLE "T" (id numeric PRIMARY KEY, v int)'],
        config=UPSERT,
        records=[row({"id": TEXT, "v": INT}, {"id": key, "v": n}) for n, key in enumerate(("NaN", "nan"))],
        rows={'SELECT v FROM "T"': [(1,)]},
    ),
    Case(
        name="NaN of a double as a key",
        sql=['CREATE TABLE "T" (id double precision PRIMARY KEY, v int)'],
        config=UPSERT,
        records=[row({"id": kind("double"), "v": INT}, {"id": "NaN", "v": n}) for n in range(2)],
        rows={'SELECT id::text, v FROM "T"': [("NaN", 1)]},
    ),
    Case(
        name="time(0) key with and without a fraction",
        sql=['CREATE TABLE "T" (id time(0) PRIMARY KEY, v int)'],
        config={**UPSERT, **TOLERANT},
        records=[
            row({"id": TEXT, "v": INT}, {"id": key, "v": n})
            for n, key in enumerate(("10:00:00", "10:00:00.000"))
        ],
        rows={'SELECT v FROM "T"': [(1,)]},
    ),
    Case(
        name="macaddr and timetz keys in two spellings",
        sql=['CREATE TABLE "T" (id macaddr, z timetz, v int, PRIMARY KEY (id, z))'],
        config={**UPSERT, "pk.fields": "id,z"},
        records=[
            row({"id": TEXT, "z": TEXT, "v": INT}, {"id": mac, "z": z, "v": n})
            for n, (mac, z) in enumerate(
                (("08:00:2b:01:02:03", "10:00:00+02"), ("08002B-010203", "10:00:00.0+02:00"))
            )
        ],
        rows={'SELECT v FROM "T"': [(1,)]},
    ),
    Case(
        name="an enum key and a Boolean key spelled as texts",
        sql=[
            "CREATE TYPE mood AS ENUM ('sad', 'ok')",
            'CREATE TABLE "T" (id mood, b boolean, v int, PRIMARY KEY (id, b))',
        ],
        config={**UPSERT, "pk.fields": "id,b"},
        records=[
            row({"id": TEXT, "b": TEXT, "v": INT}, {"id": "ok", "b": flag, "v": n})
            for n, flag in enumerate(("true", "t", "on", "1"))
        ],
        rows={'SELECT v FROM "T"': [(3,)]},
    ),
    Case(
        name="a varchar(n) key with blanks within its length",
        sql=['CREATE TABLE "T" (id varchar(3) PRIMARY KEY, v int)'],
        config={**UPSERT, **TOLERANT},
        records=[
            row({"id": TEXT, "v": INT}, {"id": key, "v": n}) for n, key in enumerate(("abc", "abd", "ab "))
        ],
        rows={'SELECT id, v FROM "T" ORDER BY v': [("abc", 0), ("abd", 1), ("ab ", 2)]},
    ),
]
