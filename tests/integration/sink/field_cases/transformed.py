"""Transforms of keys, values and headers: deletes go through them, and what does not is one bad record."""

from collections.abc import Sequence

from tests.integration.sink.field_cases.case import (
    BY_KEY,
    INT,
    TEXT,
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

OF_CONNECT = "org.apache.kafka.connect.transforms."
V = {"v": INT}
TABLE = 'CREATE TABLE "T" (id text PRIMARY KEY, v bigint, w int, st text)'
OLD = """INSERT INTO "T" VALUES ('a', 1)"""
REST = {'SELECT id, v FROM "T" ORDER BY id': [("b", 2)]}
TOMBSTONE = {"predicates": "p", "predicates.p.type": f"{OF_CONNECT}predicates.RecordIsTombstone"}
HID = {"insert.mode": "upsert", "pk.mode": "record_header", "pk.fields": "hid"}


def _by(transform: str, **options: str) -> dict[str, str]:
    """A chain of one transform; `a__b` stands for its option `a.b`."""
    named = {f"transforms.n.{name.replace('__', '.')}": value for name, value in options.items()}
    return {"transforms": "n", "transforms.n.type": f"{OF_CONNECT}{transform}", **named}


def _key(schema: Json, payload: Json) -> bytes:
    return envelope(schema, payload)


def _deletes(name: str, config: dict[str, str], *, keys: tuple[bytes, bytes] | None = None) -> list[Case]:
    """A tombstone through a transform deletes its row, alone and beside a row; `keys` are those of the rows a and b."""
    first, second = keys or (_key(TEXT, "a"), _key(TEXT, "b"))
    value = envelope(struct(V), {"v": 2})
    return [
        Case(
            name=f"a delete {mix} goes through {name}",
            sql=[TABLE, OLD, *([] if beside else ["""INSERT INTO "T" VALUES ('b', 2)"""])],
            config={**BY_KEY, **config},
            records=[
                *([Sent(key=second, value=value)] if beside else []),
                Sent(key=first, value=None),
            ],
            rows=REST,
        )
        for mix, beside in (("alone", False), ("beside a row", True))
    ]


def _of_struct(name: str) -> tuple[bytes, bytes]:
    schema = struct({name: TEXT})
    return _key(schema, {name: "a"}), _key(schema, {name: "b"})


def _bad_key(name: str, config: dict[str, str], keys: Sequence[bytes], column: str = "text") -> Case:
    """Of three records the key of the second does not go through a transform."""
    return Case(
        name=f"a key that {name} does not take",
        sql=[f'CREATE TABLE "T" (id {column} PRIMARY KEY, v int)'],
        config={**BY_KEY, **TOLERANT, **config},
        records=[Sent(key=key, value=envelope(struct(V), {"v": n})) for n, key in enumerate(keys)],
        rows={'SELECT v FROM "T" ORDER BY v': [(0,), (2,)]},
        dead=[1],
    )


_WITH_VALUE = struct({"id": TEXT, "v": INT})

CASES = [
    *_deletes("an InsertField", _by("InsertField$Value", static__field="st", static__value="x")),
    *_deletes("an InsertField of the offset", _by("InsertField$Value", offset__field="w")),
    *_deletes("a Flatten", _by("Flatten$Value", delimiter="_")),
    *_deletes("a Cast", _by("Cast$Value", spec="v:int64")),
    *_deletes("a ReplaceField", _by("ReplaceField$Value", exclude="nothing")),
    *_deletes("a SetSchemaMetadata", _by("SetSchemaMetadata$Value", schema__name="x")),
    *_deletes("an InsertHeader", _by("InsertHeader", header="h", value__literal="1")),
    *_deletes("a RegexRouter", _by("RegexRouter", regex="(.*)", replacement="$1")),
    *_deletes(
        "an ExtractField of the key", _by("ExtractField$Key", field="number"), keys=_of_struct("number")
    ),
    *_deletes("a HoistField of the key", _by("HoistField$Key", field="id")),
    *_deletes("a Cast of the key", _by("Cast$Key", spec="string")),
    *_deletes(
        "a ReplaceField of the key",
        {**_by("ReplaceField$Key", renames="number:id"), "pk.fields": ""},
        keys=_of_struct("number"),
    ),
    Case(
        name="a delete beside a ValueToKey that leaves tombstones alone",
        sql=['CREATE TABLE "T" (v int PRIMARY KEY)', 'INSERT INTO "T" VALUES (1)'],
        config={
            **BY_KEY,
            **_by("ValueToKey", fields="v", predicate="p", negate="true"),
            **TOMBSTONE,
            "pk.fields": "",
        },
        records=[keyed("b", V, {"v": 2}), Sent(key=_key(struct(V), {"v": 1}), value=None)],
        rows={'SELECT v FROM "T"': [(2,)]},
    ),
    Case(
        name="a Filter keeps deletes away",
        sql=[TABLE, OLD],
        config={**BY_KEY, **_by("Filter", predicate="p"), **TOMBSTONE},
        records=[keyed("a", V, None), keyed("b", V, {"v": 2})],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("b",)]},
    ),
    *(
        Case(
            name=f"a delete that {name} does not take",
            sql=[TABLE, OLD],
            config={**BY_KEY, **TOLERANT, **config},
            records=[keyed("b", V, {"v": 2}), keyed("a", V, None), keyed("c", V, {"v": 3})],
            rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("b",), ("c",)]},
            dead=[1],
        )
        for name, config in (
            ("a HeaderFrom", _by("HeaderFrom$Value", fields="v", headers="h", operation="copy")),
            ("a MaskField", _by("MaskField$Value", fields="v")),
        )
    ),
    Case(
        name="a delete that a ValueToKey does not take",
        sql=['CREATE TABLE "T" (v int PRIMARY KEY)', 'INSERT INTO "T" VALUES (1)'],
        config={**BY_KEY, **TOLERANT, **_by("ValueToKey", fields="v"), "pk.fields": ""},
        records=[keyed("b", V, {"v": 2}), keyed("a", V, None), keyed("c", V, {"v": 3})],
        rows={'SELECT v FROM "T" ORDER BY v': [(1,), (2,), (3,)]},
        dead=[1],
    ),
    _bad_key("a Cast", _by("Cast$Key", spec="int32"), [_key(TEXT, key) for key in ("1", "one", "3")], "int"),
    _bad_key(
        "an ExtractField",
        _by("ExtractField$Key", field="number"),
        [
            _key(struct({"number": TEXT}), {"number": "a"}),
            _key(struct({"other": TEXT}), {"other": "b"}),
            _key(struct({"number": TEXT}), {"number": "c"}),
        ],
    ),
    _bad_key(
        "a ReplaceField",
        {**_by("ReplaceField$Key", renames="number:id"), "pk.fields": ""},
        [
            _key(struct({"number": TEXT}), {"number": "a"}),
            _key(TEXT, "b"),
            _key(struct({"number": TEXT}), {"number": "c"}),
        ],
    ),
    _bad_key(
        "a TimestampConverter",
        _by("TimestampConverter$Key", target__type="Timestamp", format="yyyy-MM-dd"),
        [_key(TEXT, key) for key in ("2024-01-01", "soon", "2024-01-03")],
        "timestamptz",
    ),
    _bad_key(
        "a HeaderFrom",
        {**_by("HeaderFrom$Key", fields="id", headers="h", operation="copy"), "pk.fields": ""},
        [
            _key(struct({"id": TEXT}), {"id": "a"}),
            _key(TEXT, "b"),
            _key(struct({"id": TEXT}), {"id": "c"}),
        ],
    ),
    _bad_key(
        "an ExtractField after a HoistField",
        {
            **_by("HoistField$Key", field="id"),
            "transforms": "n,x",
            "transforms.x.type": f"{OF_CONNECT}ExtractField$Key",
            "transforms.x.field": "id",
        },
        [_key(TEXT, "a"), b"no JSON", _key(TEXT, "c")],
    ),
    Case(
        name="headers moved out of the value as the key, one of them null",
        sql=['CREATE TABLE "T" (hid int PRIMARY KEY, v int)'],
        config={
            **HID,
            **TOLERANT,
            **_by("HeaderFrom$Value", fields="n", headers="hid", operation="move"),
        },
        records=[
            row({"n": INT, "v": INT}, {"n": number, "v": place}) for place, number in enumerate((7, None, 9))
        ],
        rows={'SELECT hid, v FROM "T" ORDER BY hid': [(7, 0), (9, 2)]},
        dead=[1],
    ),
    Case(
        name="a header moved out of a field that one record has not",
        sql=['CREATE TABLE "T" (id text PRIMARY KEY, v int)'],
        config={
            **UPSERT,
            **TOLERANT,
            **_by("HeaderFrom$Value", fields="v", headers="h", operation="copy"),
        },
        records=[
            row({"id": TEXT, "v": INT}, {"id": "a", "v": 1}),
            row({"id": TEXT}, {"id": "b"}),
            row({"id": TEXT, "v": INT}, {"id": "c", "v": 3}),
        ],
        rows={'SELECT id FROM "T" ORDER BY id': [("a",), ("c",)]},
        dead=[1],
    ),
    *(
        Case(
            name=f"a header of {what} as the key",
            sql=[f'CREATE TABLE "T" (hid {column} PRIMARY KEY, v int)'],
            config={
                **HID,
                **TOLERANT,
                **_by("HeaderFrom$Value", fields="n", headers="hid", operation="move"),
            },
            records=[row({"n": schema, "v": INT}, {"n": payload, "v": 1})],
            rows={'SELECT hid::text, v FROM "T"': [(stored, 1)]},
        )
        for what, column, schema, payload, stored in (
            ("an int64", "bigint", kind("int64"), 2**63 - 1, str(2**63 - 1)),
            ("an instant", "timestamptz", TIMESTAMP, 1_700_000_000_123, "2023-11-14 22:13:20.123+00"),
            ("a Boolean", "boolean", kind("boolean"), True, "true"),
            ("a Boolean in a text", "text", kind("boolean"), True, "true"),
        )
    ),
    *(
        Case(
            name=f"a Cast of {what}",
            sql=['CREATE TABLE "T" (id text PRIMARY KEY, x bigint)'],
            config={**UPSERT, **TOLERANT, **_by("Cast$Value", spec="x:int64")},
            records=[row({"id": TEXT, "x": schema}, {"id": "a", "x": number})],
            rows={'SELECT x FROM "T"': [(number,)]},
        )
        for what, schema, number in (
            ("24:00:00", logical("int32", "org.apache.kafka.connect.data.Time"), 86_400_000),
            ("a date after the year 9999", logical("int32", "org.apache.kafka.connect.data.Date"), 2_932_897),
            ("an instant after the year 9999", TIMESTAMP, 253_402_300_800_000),
        )
    ),
    Case(
        name="a header that is not UTF-8 beside a transform",
        sql=[TABLE],
        config={**UPSERT, **TOLERANT, **_by("InsertHeader", header="h", value__literal="1")},
        records=[
            Sent(value=envelope(_WITH_VALUE, {"id": "a", "v": 1}), headers=[("h", b"\xff\xfe"), ("h", None)])
        ],
        rows={'SELECT id FROM "T"': [("a",)]},
    ),
]
