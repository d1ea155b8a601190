"""ReplaceField, ExtractField, HoistField, Flatten, MaskField, ValueToKey."""

from collections.abc import Iterable
from typing import Any

from tests.contract.sink.transform_cases.building import (
    DEFAULTED,
    INT32,
    INT64,
    MAP,
    MILLIS,
    OPTIONAL,
    OPTIONAL_STRING,
    PLAIN,
    STRING,
    WRONG,
    Case,
    bare,
    both_sides,
    case,
    logical,
    nested,
    of,
    record,
    refuses,
    struct,
    typed,
)


def replace_field_cases() -> Iterable[Case]:
    """ReplaceField."""
    options: list[dict[str, str]] = [
        {}, {"exclude": "note"}, {"include": "id,name"}, {"include": "id,name", "exclude": "name"}, {"renames": "id:key,name:title"},
        {"renames": "id:name"}, {"exclude": "absent", "renames": "absent:x"}, {"include": "absent"}, {"exclude": "id", "renames": "id:name"},
        {"renames": "id:name,name:id"}, {"replace.null.with.default": "false"}, {"renames": "state:status", "include": "state"},
    ]  # fmt: skip
    for option in options:
        yield from both_sides(f"{option}", "ReplaceField", option, PLAIN)
        if option != {"renames": "id:name"}:  # which of two equal names wins in a map is up to Java's hashing
            yield case(f"{option} of a map", "ReplaceField$Value", option, record(MAP))
    for renames in ("id", "id:", ":id", "a:b:c"):
        yield case(f"renames {renames}", "ReplaceField$Value", {"renames": renames}, record(PLAIN))
    yield case("a field twice", "ReplaceField$Value", {"exclude": "id,id"}, record(PLAIN))
    yield case("an empty name", "ReplaceField$Value", {"exclude": "id,"}, record(PLAIN))
    yield case(
        "a boolean that is none",
        "ReplaceField$Value",
        {"replace.null.with.default": "perhaps"},
        record(PLAIN),
    )
    yield case("an optional struct", "ReplaceField$Value", {"exclude": "name"}, record(OPTIONAL))
    yield from refuses("ReplaceField", {"exclude": "id"})


ODD_NAMES: dict[str, Any] = {"x.y": (STRING, "dotted"), "t`k": (STRING, "tick")}
DEEP = struct(
    a=nested(b=nested(c=(INT64, 1), d=(DEFAULTED, None)), **ODD_NAMES),
    gone=nested(schema={"optional": True}, f=(INT64, 1)),
)
DEEP["payload"]["gone"] = None
DEEP_MAP = bare({"a": {"b": {"c": 1, "d": None}, "x.y": "dotted"}, "gone": None, "flat": 3})


def extract_field_cases() -> Iterable[Case]:
    """ExtractField, both versions of its syntax."""
    for field in ("id", "note", "state", "absent"):
        yield from both_sides(field, "ExtractField", {"field": field}, PLAIN)
        yield from both_sides(f"{field} of a map", "ExtractField", {"field": field}, MAP)
    yield case(
        "a default kept null",
        "ExtractField$Value",
        {"field": "state", "replace.null.with.default": "false"},
        record(PLAIN),
    )
    paths = (
        "a.b.c",
        "a.b.d",
        "a.b",
        "a.`x.y`",
        "a.x.y",
        "gone.f",
        "absent.f",
        "a.absent",
        "a.b.c.d",
        "a.`t`k`",
        "a.",
        "",
        "`a`.`b`.`c`",
        "`a",
        "a.`t\\`.k`",
    )
    for path in paths:
        for data, name in ((DEEP, "struct"), (DEEP_MAP, "map")):
            for version in ("V1", "v2"):
                options = {"field": path, "field.syntax.version": version}
                yield case(f"{path} of a {name} by {version}", "ExtractField$Value", options, record(data))
    deep_default = {"field": "a.b.d", "field.syntax.version": "V2", "replace.null.with.default": "false"}
    yield case("a deep default kept null", "ExtractField$Value", deep_default, record(DEEP))
    yield case(
        "a syntax that is not there",
        "ExtractField$Value",
        {"field": "a", "field.syntax.version": "V3"},
        record(DEEP),
    )
    yield case("without a field", "ExtractField$Value", {}, record(PLAIN))
    yield from refuses("ExtractField", {"field": "id"})


def hoist_field_cases() -> Iterable[Case]:
    """HoistField."""
    for name, data in [("struct", PLAIN), ("map", MAP), *WRONG]:
        yield from both_sides(name, "HoistField", {"field": "wrapped"}, data)
    yield case("without a field", "HoistField$Value", {}, record(PLAIN))


FLAT = struct(
    schema={"name": "shop.Deep", "version": 2},
    id=(INT64, 1),
    at=nested(
        street=(STRING, "Via"), zip=(of("string", default="0"), "1"), geo=nested(lat=(of("double"), 1.5))
    ),
    maybe=nested(schema={"optional": True}, f=(INT32, 4), g=(logical("Timestamp", optional=True), MILLIS)),
    tags=(of("array", items=STRING), ["a"]),
)
FLAT_ABSENT = {**FLAT, "payload": {**FLAT["payload"], "maybe": None}}


def flatten_cases() -> Iterable[Case]:
    """Flatten."""
    for options in ({}, {"delimiter": "_"}, {"delimiter": ""}):
        yield from both_sides(f"{options}", "Flatten", options, FLAT)
        yield case(f"{options} of a map", "Flatten$Value", options, record(DEEP_MAP))
    yield case("an inner struct that is null", "Flatten$Value", {}, record(FLAT_ABSENT))
    yield case(
        "a map inside",
        "Flatten$Value",
        {},
        record(struct(m=(of("map", keys=STRING, values=STRING), {"a": "b"}))),
    )
    yield case(
        "names that collide",
        "Flatten$Value",
        {"delimiter": "_"},
        record(struct(a_b=(INT64, 1), a=nested(b=(INT64, 2)))),
    )
    yield case("an empty map inside", "Flatten$Value", {}, record(bare({"a": {}, "b": [], "c": [{"d": 1}]})))
    yield case("an optional struct", "Flatten$Value", {}, record(OPTIONAL))
    yield case("fields with defaults", "Flatten$Value", {}, record(PLAIN))
    yield from refuses("Flatten", {})


MASKED = struct(
    b=(of("boolean"), True), i8=(of("int8"), 5), i16=(of("int16"), 5), i32=(INT32, 5), i64=(INT64, 5), f32=(of("float"), 1.5),
    f64=(of("double"), 1.5), s=(STRING, "x"), d=(logical("Decimal", parameters={"scale": "2"}), "MDk="), ts=(logical("Timestamp"), MILLIS),
    date=(logical("Date"), 1), time=(logical("Time"), 1), a=(of("array", items=STRING), ["a"]), n=(OPTIONAL_STRING, None),
    m=(of("map", keys=STRING, values=STRING), {"a": "b"}), raw=(of("bytes"), "AQID"), o=nested(x=(INT64, 1)), state=(DEFAULTED, None),
)  # fmt: skip


def mask_field_cases() -> Iterable[Case]:
    """MaskField."""
    for field in MASKED["payload"]:
        for replacement in (None, "12", "1.5", "text", "1000"):
            options = {"fields": field} | ({"replacement": replacement} if replacement else {})
            yield case(f"{field} by {replacement}", "MaskField$Value", options, record(MASKED))
    types = [{**each, "optional": True} for each in MASKED["schema"]["fields"]]
    nulls = typed(of("struct", fields=types), dict.fromkeys(MASKED["payload"]))
    for replacement in (None, "12", "text"):
        options = {"fields": ",".join(MASKED["payload"])} | (
            {"replacement": replacement} if replacement else {}
        )
        yield case(f"nulls of every type by {replacement}", "MaskField$Value", options, record(nulls))
    for field in (*MAP["payload"], "absent"):
        for replacement in (None, "12", "text"):
            options = {"fields": field} | ({"replacement": replacement} if replacement else {})
            yield case(f"{field} of a map by {replacement}", "MaskField$Value", options, record(MAP))
    yield from both_sides("several", "MaskField", {"fields": "id, name"}, PLAIN)
    yield case(
        "a default kept null",
        "MaskField$Value",
        {"fields": "id", "replace.null.with.default": "false"},
        record(PLAIN),
    )
    yield case("a field that is not there", "MaskField$Value", {"fields": "absent"}, record(PLAIN))
    yield case("an empty replacement", "MaskField$Value", {"fields": "id", "replacement": ""}, record(PLAIN))
    yield case("no fields", "MaskField$Value", {"fields": ""}, record(PLAIN))
    yield case("without fields", "MaskField$Value", {}, record(PLAIN))
    yield from refuses("MaskField", {"fields": "id"})


def value_to_key_cases() -> Iterable[Case]:
    """ValueToKey."""
    for fields in ("id", "name,id", "state", "absent", "note", "id,id", ""):
        yield case(fields, "ValueToKey", {"fields": fields}, record(PLAIN, key=typed(STRING, "old")))
        yield case(f"{fields} of a map", "ValueToKey", {"fields": fields}, record(MAP))
    yield case(
        "a default kept null",
        "ValueToKey",
        {"fields": "state", "replace.null.with.default": "false"},
        record(PLAIN),
    )
    for name, data in WRONG:
        yield case(f"given {name}", "ValueToKey", {"fields": "id"}, record(data))
