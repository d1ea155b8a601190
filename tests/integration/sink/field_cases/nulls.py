"""Nulls and defaults, alike with and without transforms, as Connect has them."""

from decimal import Decimal

from tests.integration.sink.field_cases.case import (
    CREATE,
    DEBEZIUM,
    INT,
    TEXT,
    TOLERANT,
    TRANSFORM,
    UPSERT,
    Case,
    Sent,
    kind,
    logical,
    row,
    struct,
    text,
)

JSON = {"value.converter": "org.apache.kafka.connect.json.JsonConverter"}
KEPT = {**JSON, "value.converter.replace.null.with.default": "false"}
SPECIAL_DEFAULTS = {
    "b": logical("bytes", "io.debezium.data.Bits", parameters={"length": "8"}, default="AQ=="),
    "d": logical("int64", "io.debezium.time.MicroDuration", default=5_400_000_000),
    "n": struct(
        {"scale": kind("int32"), "value": kind("bytes")},
        name="io.debezium.data.VariableScaleDecimal",
        default={"scale": 2, "value": "MDk="},
    ),
    "t": logical("int32", "org.apache.kafka.connect.data.Time", default=86_400_000),
    "at": logical("int64", "org.apache.kafka.connect.data.Timestamp", default=253_402_300_800_000),
}
DEFAULTED = text(optional=True, default="dflt")


def _null(name: str, config: dict[str, str], stored: str | None) -> list[Case]:
    return [
        Case(
            name=f"{name}{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id text PRIMARY KEY, w text, st text)'],
            config={
                **UPSERT,
                **config,
                **transform,
                **(
                    {"transforms.n.replace.null.with.default": "false"}
                    if transform and config is KEPT
                    else {}
                ),
            },
            records=[row({"id": TEXT, "w": DEFAULTED}, {"id": "a", "w": None})],
            rows={'SELECT w FROM "T"': [(stored,)]},
        )
        for transform in ({}, TRANSFORM)
    ]


def _nested_null(name: str, config: dict[str, str], stored: str) -> list[Case]:
    inner = struct({"w": DEFAULTED})
    return [
        Case(
            name=f"{name}{', with a transform' if transform else ''}",
            sql=['CREATE TABLE "T" (id text PRIMARY KEY, o jsonb, l jsonb[], st text)'],
            config={**UPSERT, **config, **transform},
            records=[
                row(
                    {"id": TEXT, "o": inner, "l": kind("array", items=inner)},
                    {"id": "a", "o": {"w": None}, "l": [{"w": None}]},
                )
            ],
            rows={'SELECT o::text, l[1]::text FROM "T"': [(stored, stored)]},
        )
        for transform in ({}, TRANSFORM)
    ]


def _header(value: bytes | None) -> list[tuple[str, bytes | None]]:
    return [("hid", value)]


_VALUE = row({"id": kind("string", optional=True), "v": INT}, {"id": "a", "v": 1}, key=None).value

CASES = [
    *_null("an explicit null where there is a default takes the default", JSON, "dflt"),
    *_null("an explicit null that is to stay", KEPT, None),
    *_nested_null("an explicit null within a struct takes the default", JSON, '{"w": "dflt"}'),
    *_nested_null("an explicit null within a struct that is to stay", KEPT, '{"w": null}'),
    *(
        Case(
            name=f"null for a required field with a default{', with a transform' if transform else ''}",
            config={**UPSERT, **CREATE, **transform},
            records=[row({"id": TEXT, "n": kind("int32", default=7)}, {"id": "a", "n": None})],
            rows={'SELECT n FROM "T"': [(7,)]},
        )
        for transform in ({}, TRANSFORM)
    ),
    *(
        Case(
            name=f"a missing field with a default{', with a transform' if transform else ''}",
            config={**UPSERT, **CREATE, **transform},
            records=[row({"id": TEXT, "n": kind("int32", default=7)}, {"id": "a"})],
            rows={'SELECT n FROM "T"': [(7,)]},
        )
        for transform in ({}, TRANSFORM)
    ),
    Case(
        name="a header as the key: missing, not UTF-8 or null",
        sql=['CREATE TABLE "T" (hid text PRIMARY KEY, id text, v int)'],
        config={
            "connector.class": DEBEZIUM,
            "insert.mode": "upsert",
            "primary.key.mode": "record_header",
            "primary.key.fields": "hid",
            **TOLERANT,
        },
        records=[
            Sent(value=_VALUE, headers=_header(b"1")),
            Sent(value=_VALUE),
            Sent(value=_VALUE, headers=_header(b"\xff")),
            Sent(value=_VALUE, headers=_header(None)),
            Sent(value=_VALUE, headers=_header(b"2")),
        ],
        rows={'SELECT hid FROM "T" ORDER BY hid': [("1",), ("2",)]},
        dead=[1, 2, 3],
    ),
    Case(
        name="a struct with a default in a table that is made",
        config={**UPSERT, **CREATE},
        records=[
            row(
                {"id": TEXT, "o": struct({"n": kind("int32")}, optional=True, default={"n": 5})},
                {"id": "a", "o": {"n": 1}},
            )
        ],
        rows={"""SELECT o ->> 'n' FROM "T\"""": [("1",)]},
    ),
    Case(
        name="defaults of types of Debezium's, of midnight and of years to come in a table that is made",
        config={**UPSERT, **CREATE, "connector.class": DEBEZIUM},
        records=[row({"id": TEXT, **SPECIAL_DEFAULTS}, {"id": "a"})],
        rows={
            'SELECT b::text, d::text, n, t::text, at = $$10000-01-01 00:00+00$$ FROM "T"': [
                ("00000001", "01:30:00", Decimal("123.45"), "24:00:00", True)
            ],
            """SELECT column_default IS NOT NULL FROM information_schema.columns
            WHERE table_name = 'T' AND column_name <> 'id'""": [(True,)] * len(SPECIAL_DEFAULTS),
        },
    ),
    *(
        Case(
            name=f"one record with {name}",
            config={**UPSERT, **CREATE, **TOLERANT},
            records=[
                row({"id": TEXT}, {"id": "a"}),
                row({"id": TEXT, **fields}, {"id": "b"}),
                row({"id": TEXT, "v": INT}, {"id": "c", "v": 1}),
            ],
            rows={'SELECT id, v FROM "T" ORDER BY id': [("a", None), ("c", 1)]},
            dead=[1],
        )
        for name, fields in (
            ("a default with U+0000", {"w": text(default="a\0b")}),
            (
                "a default with U+0000 in a list",
                {"w": kind("array", items=TEXT, optional=True, default=["a\0b"])},
            ),
            ("a default that its type does not take", {"u": text(name="io.debezium.data.Uuid", default="x")}),
            ("more fields than a table may have", {f"f{number}": INT for number in range(1700)}),
        )
    ),
    Case(
        name="an array with a default in a table that is made",
        config={**UPSERT, **CREATE},
        records=[
            row(
                {"id": TEXT, "o": kind("array", items=TEXT, optional=True, default=["x'y", "z"])},
                {"id": "a", "o": ["b"]},
            )
        ],
        rows={'SELECT o FROM "T"': [(["b"],)]},
    ),
]
