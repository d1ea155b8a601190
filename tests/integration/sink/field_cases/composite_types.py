"""Values for columns of composite types, and texts for types that are made of others."""

from tests.integration.sink.field_cases.case import (
    DECIMAL_2,
    TEXT,
    TOLERANT,
    TRANSFORM,
    UPSERT,
    Case,
    Json,
    Sent,
    kind,
    logical,
    row,
    struct,
)

MANY = 600
WAYS: tuple[tuple[str, dict[str, str]], ...] = (
    ("", {}),
    (", one at a time", {"batch.size": "1"}),
    (", with a transform", TRANSFORM),
)
PLAIN_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
}
TYPES = [
    'CREATE TYPE "T_price" AS (amount numeric(6,2), currency varchar(3))',
    'CREATE TYPE "T_line" AS (product text, price "T_price", at timestamp(3))',
    'CREATE TABLE "T" (id text PRIMARY KEY, x "T_line", xs "T_price"[], st text)',
]
PRICE = struct(
    {"currency": kind("string", optional=True), "amount": {**DECIMAL_2, "optional": True}}, optional=True
)
LINE = struct(
    {
        "at": {
            **logical("int64", "org.apache.kafka.connect.data.Timestamp"),
            "optional": True,
        },
        "product": TEXT,
        "price": PRICE,
    },
    optional=True,
)
FIELDS = {"id": TEXT, "x": LINE, "xs": kind("array", items=PRICE, optional=True)}
MDK = "MDk="  # 123.45
WHOLE = {"product": 'a "b", (c)', "price": {"currency": "EUR", "amount": MDK}, "at": 1_704_103_200_123}
STORED = '("a ""b"", (c)","(123.45,EUR)","2024-01-01 10:00:00.123")'
QUERY = {'SELECT id, x::text, xs::text FROM "T" ORDER BY id': [("a", STORED, '{"(123.45,)",NULL}'), ("n", None, None), ("z", "(p,,)", "{}")]}  # fmt: skip

NEW = (("k2", "(2,2.50)", None), ("k3", "(,2.50)", None))


def _structs(bad: Json) -> list[Sent]:
    return [
        row(FIELDS, {"id": "a", "x": WHOLE, "xs": [{"amount": MDK, "currency": None}, None]}),
        row(FIELDS, {"id": "b", "x": {"product": "p", "price": bad, "at": None}, "xs": None}),
        row(FIELDS, {"id": "n", "x": None, "xs": None}),
        row(FIELDS, {"id": "z", "x": {"product": "p", "price": None, "at": None}, "xs": []}),
    ]


def _object(key: str, rest: str) -> Sent:
    return Sent(key=key.encode(), value=f'{{"id":"{key}",{rest}}}'.encode())


def _texts(texts: dict[str, str]) -> list[Sent]:
    return [row({"id": TEXT, "x": TEXT}, {"id": key, "x": text}) for key, text in texts.items()]


def _refused(name: str, column: str, fits: str, bad: str, stored: str) -> list[Case]:
    return [
        Case(
            name=f"a text of {name} would round{way}",
            sql=[
                'CREATE TYPE "T_pair" AS (n integer, d numeric(6,2))',
                f'CREATE TABLE "T" (id text PRIMARY KEY, x {column}, st text)',
            ],
            config={**UPSERT, **TOLERANT, **config},
            records=_texts({"a": fits, "b": bad, "c": fits}),
            rows={'SELECT id, x::text FROM "T" ORDER BY id': [("a", stored), ("c", stored)]},
            dead=[1],
        )
        for way, config in WAYS
    ]


CASES = [
    *(
        Case(
            name=f"a struct for a column of a composite type{way}",
            sql=TYPES,
            config={**UPSERT, **TOLERANT, **config},
            records=_structs({"currency": "EURO", "amount": MDK}),
            rows=QUERY,
            dead=[1],
        )
        for way, config in WAYS
    ),
    *(
        Case(
            name=f"an object for a column of a composite type without a schema{way}",
            sql=TYPES,
            config={**UPSERT, **TOLERANT, **PLAIN_JSON, **config},
            records=[
                _object(
                    "a",
                    '"x":{"price":{"amount":"123.45","currency":"EUR"},"product":"a \\"b\\", (c)","at":1704103200123},'
                    '"xs":[{"amount":123.45},null]',
                ),
                _object("b", '"x":{"price":{"amount":"123.455"}}'),
                _object("c", '"x":{"colour":"red"}'),
                _object("d", '"x":null,"xs":[{"colour":"red"}]'),
                _object("n", '"x":null,"xs":null'),
                _object("z", '"x":"(p,,)","xs":[]'),
            ],
            rows=QUERY,
            dead=[1, 2, 3],
        )
        for way, config in WAYS
    ),
    *(
        Case(
            name=f"many structs for a column of a composite type, inserted by {mode}{way}",
            sql=[
                'CREATE TYPE "T_pair" AS (n integer, d numeric(6,2))',
                'CREATE TABLE "T" (id text PRIMARY KEY, x "T_pair", st text)',
            ],
            config={"insert.mode": mode, "pk.mode": "record_value", "pk.fields": "id", **TOLERANT, **config},
            records=[
                row(
                    {"id": TEXT, "x": struct({"d": kind("string"), "n": kind("int32")})},
                    {"id": f"k{number}", "x": {"n": number, "d": "1.005" if number == 7 else "1.50"}},
                )
                for number in range(MANY)
            ],
            rows={'SELECT count(*), sum((x).n), max((x).d)::text FROM "T"': [(MANY - 1, 179_693, "1.50")]},
            dead=[7],
        )
        for mode in ("insert", "upsert")
        for way, config in (WAYS[0], WAYS[2])
    ),
    *(
        Case(
            name=f"a field without an attribute for a column of a composite type{way}",
            sql=[
                'CREATE TYPE "T_pair" AS (n integer)',
                'CREATE TABLE "T" (id text PRIMARY KEY, x "T_pair", st text)',
            ],
            config={**UPSERT, **TOLERANT, **config},
            records=[
                row({"id": TEXT, "x": struct(fields, optional=True)}, {"id": key, "x": payload})
                for key, fields, payload in (
                    ("a", {"n": kind("int32")}, {"n": 1}),
                    ("b", {"n": kind("int32"), "colour": TEXT}, {"n": 1, "colour": "red"}),
                    ("c", {"n": kind("int32"), "colour": TEXT}, None),
                )
            ],
            rows={'SELECT id, x::text FROM "T" ORDER BY id': [("a", "(1)"), ("c", None)]},
            dead=[1],
        )
        for way, config in WAYS
    ),
    *(
        Case(
            name=f"objects for a column of a composite type, {mode}, {count} records that differ in their fields{way}",
            sql=[
                'CREATE TYPE "T_pair" AS (n integer, d numeric(6,2))',
                'CREATE TABLE "T" (id text PRIMARY KEY, x "T_pair", y int, st text)',
                """INSERT INTO "T" VALUES ('k0', '(9,9)', 9), ('k1', '(9,9)', 9)""",
            ],
            config={"insert.mode": mode, "pk.mode": "record_key", "pk.fields": "id", **PLAIN_JSON, **config},
            records=[
                Sent(key=f"k{number}".encode(), value=value)
                for number in range(count)
                for value in (
                    b'{"x":{"n":1,"d":"1.50"}}',
                    b'{"y":1}',
                    b'{"x":"(2,2.5)"}',
                    b'{"x":{"d":2.5}}',
                )[number % 4 :][:1]
            ],
            rows={
                """SELECT id, x::text, y FROM "T" WHERE id IN ('k0', 'k1', 'k2', 'k3') ORDER BY id""": rows
            },
        )
        for mode, rows in (
            ("upsert", [("k0", "(1,1.50)", 9), ("k1", "(9,9.00)", 1), *NEW]),
            ("update", [("k0", "(1,1.50)", 9), ("k1", "(9,9.00)", 1)]),
            ("ignore", [("k0", "(9,9.00)", 9), ("k1", "(9,9.00)", 9), *NEW]),
        )
        for count in (4, 100)
        for way, config in (WAYS[0], WAYS[2])
    ),
    *_refused("a pair that its composite type", '"T_pair"', "(1,2.5)", "(1,2.005)", "(1,2.50)"),
    *_refused("pairs that its composite type", '"T_pair"[]', '{"(1,2.5)"}', '{"(1,2.005)"}', '{"(1,2.50)"}'),
    *_refused("numbers that its array", "real[]", "{16777216}", "{16777217}", "{1.6777216e+07}"),
    *_refused("amounts that its array", "numeric(6,2)[]", "{{2.5}}", "{{2.005}}", "{{2.50}}"),
    *_refused("a point that its type", "point", "(0.1,1)", "(9007199254740993,1)", "(0.1,1)"),
    *_refused("positions that its type", "tsvector", "a:1", "a:20000", "'a':1"),
    *_refused("an identifier that its type", "oid", "1", "-1", "1"),
    *_refused("names that its array", "name[]", "{a}", f"{{{'x' * 64}}}", "{a}"),
]
