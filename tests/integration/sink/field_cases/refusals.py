"""One bad record is one bad record: further failures of each stage, and dead letters that are hard to keep."""

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    CREATE,
    INT,
    PLAIN,
    TEXT,
    TEXT_OR_NULL,
    TIMESTAMP,
    TOLERANT,
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

FIELDS = {"id": TEXT, "v": INT}
TRANSFORMS = "org.apache.kafka.connect.transforms."


def _rows(count: int, *bad: int) -> list[Sent]:
    return [row(FIELDS, {"id": f"k{n:04}", "v": -1 if n in bad else n}) for n in range(count)]


def _raises(name: str, body: str, *, before: tuple[str, ...] = (), when: str = "BEFORE") -> Case:
    return Case(
        name=name,
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int)',
            *before,
            f"""CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF new.v < 0 THEN {body}; END IF; RETURN new; END $$""",
            f'CREATE TRIGGER t {when} INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
        ],
        config={**UPSERT, **TOLERANT},
        records=_rows(100, 40),
        rows={'SELECT count(*) FROM "T"': [(99,)]},
        dead=[40],
    )


def _transformed(  # noqa: PLR0913, PLR0917 - read as a line of a table
    name: str, transform: str, options: dict[str, str], field: Json, good: Json, bad: Json
) -> Case:
    return Case(
        name=name,
        config={
            **UPSERT,
            **CREATE,
            **TOLERANT,
            "transforms": "n",
            "transforms.n.type": TRANSFORMS + transform,
            **{f"transforms.n.{key}": value for key, value in options.items()},
        },
        records=[
            row({"id": TEXT, "x": field}, {"id": key, "x": payload})
            for key, payload in (("a", good), ("p", bad), ("z", good))
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("z",)]},
        dead=[1],
    )


def _raw(name: str, *bad: Sent, config: dict[str, str] | None = None) -> Case:
    """Records that cannot be converted, between two that can."""
    return Case(
        name=name,
        config={**UPSERT, **CREATE, **TOLERANT, **(config or {})},
        records=[
            row(FIELDS, {"id": "a", "v": 1}),
            *bad,
            row(FIELDS, {"id": "z", "v": 1}),
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("z",)]},
        dead=list(range(1, len(bad) + 1)),
    )


CODES = (
    "00000",
    "01000",
    "02000",
    "22012",
    "23502",
    "23503",
    "23505",
    "23514",
    "25006",
    "2F005",
    "38000",
    "40001",
    "40P01",
    "42501",
    "42703",
    "42P01",
    "53100",
    "54000",
    "55000",
    "55006",
    "57014",
    "57P01",
    "58030",
    "P0002",
    "XX000",
    "0A000",
    "08006",
    "3F000",
    "21000",
    "F0000",
    "HV000",
    "26000",
    "28000",
    "3D000",
    "ABCDE",
)

EMPTY = envelope(struct({}), {})
PLAIN_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
}


def _key_of(*names: str) -> bytes:
    return envelope(struct(dict.fromkeys(names, TEXT)), {name: f"{name}{len(names)}" for name in names})


CASES = [
    *(
        _raises(f"a trigger that raises {code}", f"RAISE EXCEPTION 'negative' USING ERRCODE = '{code}'")
        for code in CODES
        if not code.startswith("40")
    ),
    _raises("a trigger that names a schema that is not there", "PERFORM nowhere.f()"),
    _raises("a trigger that names a function that is not there", "PERFORM nowhere()"),
    _raises(
        "a trigger that asks a sequence for a value it has not",
        "PERFORM currval('s')",
        before=("CREATE SEQUENCE s",),
    ),
    _raises(
        "a trigger that ends a sequence",
        "PERFORM nextval('s')",
        before=("CREATE SEQUENCE s MINVALUE 0 MAXVALUE 1 START 1", "SELECT nextval('s')"),
    ),
    _raises("a trigger that casts in vain", "PERFORM 'x'::int"),
    _raises(
        "a trigger that calls itself for ever",
        "PERFORM deep(1)",
        before=(
            "CREATE FUNCTION deep(n int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN deep(n + 1); END $$",
        ),
    ),
    _raises(
        "a trigger that uses a feature that is not there",
        "EXECUTE 'CREATE TABLE u () INHERITS (\"T\") PARTITION BY LIST (v)'",
    ),
    _raises("a trigger that writes where it may not", "EXECUTE 'COMMIT'"),
    _raises(
        "a trigger that breaks another table's constraint",
        "INSERT INTO other VALUES (1)",
        before=("CREATE TABLE other (n int PRIMARY KEY)", "INSERT INTO other VALUES (1)"),
    ),
    _raises("a trigger after the row that raises", "RAISE EXCEPTION 'negative'", when="AFTER"),
    Case(
        name="a trigger that leaves a row out",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int)',
            """CREATE FUNCTION "T_f"() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF new.v < 0 THEN RETURN NULL; END IF; RETURN new; END $$""",
            'CREATE TRIGGER t BEFORE INSERT ON "T" FOR EACH ROW EXECUTE FUNCTION "T_f"()',
        ],
        config={**UPSERT, **TOLERANT},
        records=_rows(100, 40),
        rows={'SELECT count(*) FROM "T"': [(99,)]},
    ),
    Case(
        name="a check that only one row breaks in a table of few",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int CHECK (v >= 0))'],
        config={**UPSERT, **TOLERANT},
        records=_rows(5, 2),
        rows={'SELECT count(*) FROM "T"': [(4,)]},
        dead=[2],
    ),
    Case(
        name="a domain's check",
        sql=[
            "CREATE DOMAIN even AS int CHECK (value % 2 = 0)",
            'CREATE TABLE "T" (id text PRIMARY KEY, v even)',
        ],
        config={**UPSERT, **TOLERANT},
        records=[row(FIELDS, {"id": str(n), "v": 3 if n == 60 else 2 * n}) for n in range(100)],
        rows={'SELECT count(*) FROM "T"': [(99,)]},
        dead=[60],
    ),
    Case(
        name="a unique constraint beside the key, within a batch",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int UNIQUE)'],
        config={**UPSERT, **TOLERANT},
        records=_rows(100, 40, 60),
        rows={'SELECT count(*) FROM "T"': [(99,)]},
        dead=[60],
    ),
    Case(
        name="a unique value that one row gives up and another takes",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int UNIQUE)', """INSERT INTO "T" VALUES ('b', 1)"""],
        config={**BY_KEY, **TOLERANT},
        records=[keyed("b", {"v": INT}, None), keyed("a", {"v": INT}, {"v": 1})],
        rows={'SELECT id, v FROM "T"': [("a", 1)]},
    ),
    Case(
        name="a parent and its child of one table deleted in one batch",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int, pid text REFERENCES "T")',
            """INSERT INTO "T" VALUES ('p', 1, NULL), ('c', 2, 'p')""",
        ],
        config={**BY_KEY, **TOLERANT},
        records=[keyed("p", {"v": INT}, None), keyed("c", {"v": INT}, None)],
        rows={'SELECT count(*) FROM "T"': [(0,)]},
    ),
    Case(
        name="a row that refers to itself",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, pid text REFERENCES "T")'],
        config={**UPSERT, **TOLERANT},
        records=[row({"id": TEXT, "pid": TEXT_OR_NULL}, {"id": "a", "pid": "a"})],
        rows={'SELECT count(*) FROM "T"': [(1,)]},
    ),
    _transformed(
        "a Cast that one text does not go through", "Cast$Value", {"spec": "x:int32"}, TEXT, "1", "one"
    ),
    _transformed("a Cast that overflows", "Cast$Value", {"spec": "x:int8"}, TEXT, "1", "300"),
    _transformed(
        "a TimestampConverter that one text does not go through",
        "TimestampConverter$Value",
        {"field": "x", "target.type": "Timestamp", "format": "yyyy-MM-dd"},
        TEXT,
        "2024-01-01",
        "soon",
    ),
    _transformed(
        "a TimestampConverter over an instant out of reach",
        "TimestampConverter$Value",
        {"field": "x", "target.type": "string", "format": "yyyy-MM-dd"},
        TIMESTAMP,
        0,
        2**60,
    ),
    _raw("a value that is a number", Sent(value=envelope(kind("int32"), 5), key=None)),
    _raw(
        "bytes that are no JSON", Sent(value=b"\xff\xfe"), Sent(value=b""), Sent(value=b" "), Sent(value=b"[")
    ),
    _raw(
        "an envelope of another form",
        Sent(value=b"{}"),
        Sent(value=b'{"schema":5,"payload":{}}'),
        Sent(value=b'{"schema":{"type":"struct"},"payload":{}}'),
        Sent(value=b'{"schema":{"type":"nothing"},"payload":{}}'),
        Sent(value=b"[]"),
        Sent(value=b"1"),
    ),
    _raw(
        "half a surrogate pair",
        row(FIELDS, b'{"id":"\\ud800","v":1}'),
        row({**FIELDS, "\ud800": INT}, b'{"id":"p","v":1}'),
    ),
    _raw("U+0000 in a text", row(FIELDS, {"id": "p\0", "v": 1})),
    _raw("U+0000 in a field's name", row({**FIELDS, "a\0b": INT}, {"id": "p", "v": 1, "a\0b": 1})),
    _raw(
        "a schema that is nested without end",
        Sent(
            value=b'{"schema":'
            + b'{"type":"array","items":' * 2000
            + b'{"type":"int32"}'
            + b"}" * 2000
            + b',"payload":[]}'
        ),
    ),
    _raw(
        "a document that is nested without end",
        row({**FIELDS, "x": TEXT}, b'{"id":"p","v":1,"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    ),
    _raw(
        "a number of many digits",
        row(FIELDS, b'{"id":"p","v":' + b"9" * 10_000 + b"}"),
        row({**FIELDS, "d": kind("double")}, b'{"id":"p","v":1,"d":1e400}'),
    ),
    _raw(
        "a scale that is no number",
        row(
            {
                **FIELDS,
                "d": logical("bytes", "org.apache.kafka.connect.data.Decimal", parameters={"scale": "x"}),
            },
            {"id": "p", "v": 1, "d": "AA=="},
        ),
    ),
    _raw(
        "a bad record of a megabyte with large headers",
        Sent(value=b"{" * 900_000, key=b"\0\xff", headers=[(f"h{n}", b"\xff" * 100) for n in range(500)]),
    ),
    _raw(
        "a bad record without key and value's schema",
        Sent(value=b"{}", key=None),
        Sent(value=envelope(struct({}), {}), key=None),
    ),
    *(
        Case(
            name=f"a record without a field among {count} {how}",
            sql=['CREATE TABLE "T" (id text, v int)'],
            config={**PLAIN, **TOLERANT, **config},
            records=[*([filled] * (count // 2)), empty, *([filled] * (count - count // 2))],
            rows={'SELECT count(*) FROM "T"': [(count,)]},
            dead=[count // 2],
        )
        for count in (2, 200)
        for how, config, filled, empty in (
            ("with a schema", {}, row(FIELDS, {"id": "a", "v": 1}), Sent(value=EMPTY)),
            ("without a schema", PLAIN_JSON, Sent(value=b'{"id":"a","v":1}'), Sent(value=b"{}")),
        )
    ),
    Case(
        name="a record without a field among many that differ in theirs",
        sql=[f'CREATE TABLE "T" ({", ".join(f"f{n} int" for n in range(20))})'],
        config={**PLAIN, **TOLERANT, **PLAIN_JSON},
        records=[*(Sent(value=b'{"f%d":1}' % n) for n in range(20)), Sent(value=b"{}")],
        rows={'SELECT count(*) FROM "T"': [(20,)]},
        dead=[20],
    ),
    Case(
        name="a record whose fields are none that are wanted",
        sql=['CREATE TABLE "T" (id text, v int)'],
        config={**PLAIN, **TOLERANT, "fields.whitelist": "id"},
        records=[row(FIELDS, {"id": "a", "v": 1}), row({"v": INT}, {"v": 1})],
        rows={'SELECT id FROM "T"': [("a",)]},
        dead=[1],
    ),
    Case(
        name="a record that has nothing but its key, to update a row",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int)',
            """INSERT INTO "T" VALUES ('a', 1), ('b', 1)""",
        ],
        config={**UPSERT, "insert.mode": "update", **TOLERANT},
        records=[
            row(FIELDS, {"id": "a", "v": 2}),
            row({"id": TEXT}, {"id": "b"}),
            row(FIELDS, {"id": "b", "v": 3}),
        ],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 2), ("b", 3)]},
        dead=[1],
    ),
    Case(
        name="a record with two fields that become one column",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int)'],
        config={**UPSERT, **CREATE, **TOLERANT, "quote.sql.identifiers": "never"},
        records=[
            row(FIELDS, {"id": "a", "v": 1}),
            row({**FIELDS, "w": INT, "W": INT}, {"id": "b", "v": 2, "w": 1, "W": 2}),
            row(FIELDS, {"id": "c", "v": 3}),
        ],
        rows={'SELECT id, v FROM "T" ORDER BY id': [("a", 1), ("c", 3)]},
        dead=[1],
    ),
    Case(
        name="a key that is a part of the table's, where each record says what its key is",
        sql=['CREATE TABLE "T" (id text, part text, v int, PRIMARY KEY (id, part))'],
        config={"insert.mode": "upsert", "pk.mode": "record_key", **TOLERANT},
        records=[
            Sent(key=_key_of(*names), value=envelope(struct({"v": INT}), {"v": number}))
            for number, names in enumerate((("id", "part"), ("id",), ("id", "part")))
        ],
        rows={'SELECT id, v FROM "T"': [("id2", 2)]},
        dead=[1],
    ),
    Case(
        name="a key that is not read beside a value that is",
        config={**BY_KEY, **CREATE, **TOLERANT},
        records=[
            keyed("a", {"v": INT}, {"v": 1}),
            Sent(key=b"\xff", value=envelope(struct({"v": INT}), {"v": 1})),
            Sent(key=b"{", value=None),
            Sent(key=None, value=envelope(struct({"v": INT}), {"v": 1})),
            Sent(
                key=envelope(kind("string", optional=True), None),
                value=envelope(struct({"v": INT}), {"v": 1}),
            ),
            keyed("z", {"v": INT}, {"v": 1}),
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("z",)]},
        dead=[1, 2, 3, 4],
    ),
    Case(
        name="a generated column that the record has a value for",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int, w int GENERATED ALWAYS AS (v + 1) STORED)'],
        config={**UPSERT, **TOLERANT},
        records=[row({**FIELDS, "w": INT}, {"id": str(n), "v": n, "w": n + 1}) for n in range(100)],
        rows={'SELECT count(*) FROM "T" WHERE w = v + 1': [(100,)]},
    ),
    *(
        Case(
            name=f"an identity that is {how} beside the key, {mode}",
            sql=[
                f'CREATE TABLE "T" (id text PRIMARY KEY, v int, n bigint GENERATED {how.upper()} AS IDENTITY)'
            ],
            config={**UPSERT, "insert.mode": mode, **TOLERANT},
            records=[
                row({**FIELDS, "n": kind("int64")}, {"id": str(n % 50), "v": n, "n": n % 50 + 1000})
                for n in range(100 if mode == "upsert" else 50)
            ],
            rows={'SELECT count(*) FROM "T" WHERE n >= 1000': [(50,)]},
        )
        for how in ("always", "by default")
        for mode in ("upsert", "insert")
    ),
    Case(
        name="an identity that is always generated beside the key, of a row that is there",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int, n bigint GENERATED ALWAYS AS IDENTITY)',
            """INSERT INTO "T" (id, v) VALUES ('a', 1)""",
        ],
        config={**UPSERT, **TOLERANT},
        records=[row({**FIELDS, "n": kind("int64")}, {"id": "a", "v": 2, "n": 1})],
        rows={'SELECT v, n FROM "T"': [(2, 1)]},
    ),
    Case(
        name="updates of a table with an identity that is always generated",
        sql=[
            'CREATE TABLE "T" (id text PRIMARY KEY, v int, n bigint GENERATED ALWAYS AS IDENTITY)',
            """INSERT INTO "T" (id, v) VALUES ('a', 1)""",
        ],
        config={**UPSERT, "insert.mode": "update", **TOLERANT},
        records=[row({**FIELDS, "n": kind("int64")}, {"id": "a", "v": 2, "n": 1})],
        rows={'SELECT v, n FROM "T"': [(2, 1)]},
    ),
    Case(
        name="upsert into a partitioned table, from one partition into another",
        sql=[
            'CREATE TABLE "T" (id text, v int, PRIMARY KEY (id, v)) PARTITION BY RANGE (v)',
            'CREATE TABLE "T_1" PARTITION OF "T" FOR VALUES FROM (0) TO (50)',
            'CREATE TABLE "T_2" PARTITION OF "T" FOR VALUES FROM (50) TO (1000)',
        ],
        config={**UPSERT, "pk.fields": "id,v", **TOLERANT},
        records=_rows(100),
        rows={'SELECT count(*) FROM "T_1"': [(50,)], 'SELECT count(*) FROM "T_2"': [(50,)]},
    ),
    Case(
        name="a default that fails for a row that has no value",
        sql=[
            "CREATE SEQUENCE s MINVALUE 0 MAXVALUE 1 START 1",
            "SELECT nextval('s')",
            "CREATE TABLE \"T\" (id text, v int, n bigint DEFAULT nextval('s'))",
        ],
        config={**PLAIN, **TOLERANT},
        records=[
            row(FIELDS, {"id": "a", "v": 1}),
            row({**FIELDS, "n": kind("int64")}, {"id": "b", "v": 1, "n": 5}),
        ],
        rows={'SELECT id FROM "T"': [("b",)]},
        dead=[0],
    ),
]
