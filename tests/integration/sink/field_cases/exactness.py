"""Digits, instants and letters as they were sent, on every path; what does not fit is refused, never cut."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from asyncpg import BitString

from tests.integration.sink.field_cases.case import (
    CREATE,
    DEBEZIUM,
    DECIMAL_2,
    TEXT,
    TIMESTAMP,
    TOLERANT,
    TRANSFORM,
    UPSERT,
    Case,
    Json,
    Sent,
    envelope,
    kind,
    logical,
    row,
    struct,
    text,
)

DECIMAL = "org.apache.kafka.connect.data.Decimal"
TIME = logical("int32", "org.apache.kafka.connect.data.Time")
PLAIN_JSON = {
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "key.converter": "org.apache.kafka.connect.storage.StringConverter",
}


def _bits(text: str) -> BitString:
    return BitString(text)  # type: ignore[arg-type] # the types say bytes, the class takes a text


def _one(field: Json, payload: Json) -> list[Sent]:
    return [row({"id": TEXT, "x": field}, {"id": "a", "x": payload})]


def _both(name: str, column: str, field: Json, payload: Json, stored: object, **config: str) -> list[Case]:
    """One value into one column, without and with a transform that has nothing to do with it."""
    return [
        Case(
            name=f"{name}{', with a transform' if transform else ''}",
            sql=[f'CREATE TABLE "T" (id text PRIMARY KEY, x {column}, st text)'],
            config={
                **UPSERT,
                **{key.replace("__", "."): value for key, value in config.items()},
                **transform,
            },
            records=_one(field, payload),
            rows={'SELECT x FROM "T"': [(stored,)]},
        )
        for transform in ({}, TRANSFORM)
    ]


def _cut(column: str, *, fits: str, too_long: str, before: tuple[str, ...] = ()) -> Case:
    return Case(
        name=f"too long a text for {column} is refused",
        sql=[*before, f'CREATE TABLE "T" (id text PRIMARY KEY, w {column})'],
        config={**UPSERT, **TOLERANT},
        records=[
            row({"id": TEXT, "w": TEXT}, {"id": "a", "w": fits}),
            row({"id": TEXT, "w": TEXT}, {"id": "b", "w": too_long}),
        ],
        rows={'SELECT id, w::text FROM "T"': [("a", fits)]},
        dead=[1],
    )


_BAD_INNER = [
    Case(
        name=f"{name}{', with a transform' if transform else ''}",
        config={**UPSERT, **CREATE, **TOLERANT, **transform},
        records=[
            row({"id": TEXT, "x": field}, {"id": key, "x": payload})
            for key, payload in (("a", good), ("p", bad), ("z", good))
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("z",)]},
        dead=[1],
    )
    for transform in ({}, TRANSFORM)
    for name, field, good, bad in (
        ("a text for a struct", struct({"city": TEXT}), {"city": "x"}, "not a struct"),
        ("a list for a struct", struct({"city": TEXT}), {"city": "x"}, [1]),
        ("a number in a struct of texts", struct({"city": TEXT}), {"city": "x"}, {"city": 5}),
        ("a required nested field that is missing", struct({"n": kind("int32")}), {"n": 1}, {}),
        ("a text in an array of numbers", kind("array", items=kind("int32")), [1], ["x"]),
        ("no base64 for bytes", kind("bytes"), "AAE=", "%%%"),
        ("no base64 for a decimal", DECIMAL_2, "MDk=", "%%%"),
        ("a text for an instant", TIMESTAMP, 0, "soon"),
        ("an instant out of all reach", TIMESTAMP, 0, 2**62),
        ("a date out of all reach", logical("int32", "org.apache.kafka.connect.data.Date"), 0, 2**31 - 1),
        ("thirty hours as a time of day", TIME, 0, 108_000_000),
        ("a time of day before midnight", TIME, 0, -1),
    )
]

CASES = [
    *(
        Case(
            name=f"{name}{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id text PRIMARY KEY, x numeric, st text)'],
            config={**UPSERT, **config, **transform},
            records=[sent],
            rows={'SELECT x FROM "T"': [(Decimal(stored),)]},
        )
        for transform in ({}, TRANSFORM)
        for name, config, sent, stored in (
            (
                "a decimal as a number keeps its digits",
                {},
                row({"id": TEXT, "x": DECIMAL_2}, b'{"id":"a","x":123456789012345678.91}'),
                "123456789012345678.91",
            ),
            (
                "a number without a schema keeps its digits",
                PLAIN_JSON,
                Sent(key=b"a", value=b'{"id":"a","x":1234567890123456.78}'),
                "1234567890123456.78",
            ),
            (
                "a large whole number without a schema",
                PLAIN_JSON,
                Sent(key=b"a", value=b'{"id":"a","x":123456789012345678901234567890}'),
                "123456789012345678901234567890",
            ),
        )
    ),
    *(
        Case(
            name=f"24:00:00 stays{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id text PRIMARY KEY, x time, st text)'],
            config={**UPSERT, **transform},
            records=_one(TIME, 86_400_000),
            rows={'SELECT x::text FROM "T"': [("24:00:00",)]},
        )
        for transform in ({}, TRANSFORM)
    ),
    *_both("a whole number with a point", "int", kind("int32"), 5.0, 5),
    *_both(
        "microseconds",
        "timestamptz",
        logical("int64", "io.debezium.time.MicroTimestamp"),
        1_704_103_200_123_457,
        datetime(2024, 1, 1, 10, 0, 0, 123457, tzinfo=UTC),
    ),
    *_both(
        "an instant with an offset into a timestamp",
        "timestamp",
        logical("string", "io.debezium.time.ZonedTimestamp"),
        "2024-01-01T10:00:00+02:00",
        datetime(2024, 1, 1, 8),  # noqa: DTZ001 - what a column without a zone holds
    ),
    *_both(
        "the same with a time zone asked for",
        "timestamp",
        logical("string", "io.debezium.time.ZonedTimestamp"),
        "2024-01-01T10:00:00Z",
        datetime(2024, 1, 1, 19),  # noqa: DTZ001 - likewise
        **{"connector.class": DEBEZIUM, "use.time.zone": "Asia/Seoul"},
    ),
    *_both(
        "a decimal with its own scale",
        "numeric",
        struct(
            {"scale": kind("int32"), "value": kind("bytes")},
            name="io.debezium.data.VariableScaleDecimal",
            version=1,
        ),
        {"scale": 2, "value": "MDk="},
        Decimal("123.45"),
    ),
    *_both(
        "bits",
        "bit(8)",
        logical("bytes", "io.debezium.data.Bits", parameters={"length": "8"}),
        "/w==",
        _bits("11111111"),
    ),
    *_both(
        "bits of two bytes",
        "varbit(16)",
        logical("bytes", "io.debezium.data.Bits", parameters={"length": "16"}),
        "AgE=",
        _bits("0000000100000010"),
    ),
    *_both("a text of bits", "bit(4)", TEXT, "1010", _bits("1010")),
    *_both(
        "microseconds into an interval",
        "interval",
        logical("int64", "io.debezium.time.MicroDuration"),
        93_600_000_000,
        timedelta(hours=26),
    ),
    *_both("a list of texts into jsonb", "jsonb", kind("array", items=TEXT), ["x", 'q"'], '["x", "q\\""]'),
    *_both(
        "a list of decimals",
        "numeric[]",
        kind("array", items=DECIMAL_2),
        ["MDk=", "/w=="],
        [Decimal("123.45"), Decimal("-0.01")],
    ),
    *_both(
        "a list of dates",
        "date[]",
        kind("array", items=logical("int32", "org.apache.kafka.connect.data.Date")),
        [0, 1],
        [date(1970, 1, 1), date(1970, 1, 2)],
    ),
    *_both("a date", "date", logical("int32", "io.debezium.time.Date"), 19723, date(2024, 1, 1)),
    *_both(
        "an enum's text",
        "text",
        logical("string", "io.debezium.data.Enum", parameters={"allowed": "a,b"}),
        "b",
        "b",
    ),
    *_both(
        "a uuid's text keeps its letters", "text", logical("string", "io.debezium.data.Uuid"), "D910", "D910"
    ),
    Case(
        rich=True,
        name="a map into hstore",
        sql=["CREATE EXTENSION hstore", 'CREATE TABLE "T" (id text PRIMARY KEY, x hstore)'],
        config=UPSERT,
        records=_one(kind("map", keys=TEXT, values=text(optional=True)), {"k": "v w", "n": None}),
        rows={"""SELECT x -> 'k', x -> 'n', x ? 'n' FROM "T\"""": [("v w", None, True)]},
    ),
    Case(
        name="a decimal as the primary key",
        config={**UPSERT, "pk.mode": "record_key", "delete.enabled": "true", **CREATE},
        records=[
            Sent(
                key=envelope(
                    struct({"id": logical("bytes", DECIMAL, parameters={"scale": "0"})}), {"id": key}
                ),
                value=None if number is None else row({"v": kind("int32")}, {"v": number}).value,
            )
            for key, number in (("AAc=", 1), ("AAg=", 2), ("AAc=", 3), ("AAg=", None), ("AAk=", 5))
        ],
        rows={'SELECT id, v FROM "T" ORDER BY id': [(Decimal(7), 3), (Decimal(9), 5)]},
    ),
    _cut("short", fits="abc", too_long="abcdef", before=("CREATE DOMAIN short AS varchar(3)",)),
    _cut("varchar(3)", fits="abc", too_long="abcdef"),
    _cut("char(3)", fits="abc", too_long="abcdef"),
    _cut("name", fits="abc", too_long="x" * 64),
    _cut('"char"', fits="a", too_long="ab"),
    _cut("bit(3)", fits="101", too_long="1011"),
    *_BAD_INNER,
    *(
        Case(
            name=f"an instant after the year 9999{', with a transform' if transform else ''}",
            config={**UPSERT, **CREATE, **TOLERANT, **transform},
            records=[row({"id": TEXT, "x": TIMESTAMP}, {"id": "a", "x": 253402300800000})],
            rows={"""SELECT x = '10000-01-01 00:00+00' FROM "T\"""": [(True,)]},
        )
        for transform in ({}, TRANSFORM)
    ),
]
