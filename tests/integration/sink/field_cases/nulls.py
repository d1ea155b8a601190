"""Nulls and defaults, alike with and without transforms, as Connect has them."""

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
    row,
    struct,
    text,
)

JSON = {"value.converter": "org.apache.kafka.connect.json.JsonConverter"}
KEPT = {**JSON, "value.converter.replace.null.with.default": "false"}
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


def _header(value: bytes | None) -> list[tuple[str, bytes | None]]:
    return [("hid", value)]


_VALUE = row({"id": kind("string", optional=True), "v": INT}, {"id": "a", "v": 1}, key=None).value

CASES = [
    *_null("an explicit null where there is a default takes the default", JSON, "dflt"),
    *_null("an explicit null that is to stay", KEPT, None),
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
