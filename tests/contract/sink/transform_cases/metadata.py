"""InsertField, the transforms of headers, SetSchemaMetadata."""

from collections.abc import Iterable
from typing import Any

from tests.contract.sink.transform_cases.building import (
    INT64,
    MAP,
    OPTIONAL,
    PLAIN,
    STRING,
    Case,
    both_sides,
    case,
    header,
    of,
    record,
    refuses,
    typed,
)


def insert_field_cases() -> Iterable[Case]:
    """InsertField."""
    fields = {"topic": "topic", "partition": "partition", "offset": "offset", "timestamp": "timestamp"}
    for suffix in ("", "?", "!"):
        options = {f"{name}.field": f"_{name}{suffix}" for name in fields} | {
            "static.field": f"_static{suffix}",
            "static.value": "v",
        }
        yield from both_sides(f"everything {suffix}", "InsertField", options, PLAIN)
        yield case(f"everything {suffix} into a map", "InsertField$Value", options, record(MAP))
        yield case(f"no timestamp {suffix}", "InsertField$Value", options, record(PLAIN, timestamp=None))
        yield case(
            f"no timestamp {suffix} in a map", "InsertField$Value", options, record(MAP, timestamp=None)
        )
    yield case("over a field that is there", "InsertField$Value", {"topic.field": "name"}, record(PLAIN))
    yield case("over an entry that is there", "InsertField$Value", {"topic.field": "name"}, record(MAP))
    yield case(
        "defaults kept null",
        "InsertField$Value",
        {"topic.field": "t", "replace.null.with.default": "false"},
        record(PLAIN),
    )
    yield case("into an optional struct", "InsertField$Value", {"offset.field": "o"}, record(OPTIONAL))
    yield case("a static field without a value", "InsertField$Value", {"static.field": "s"}, record(PLAIN))
    yield case("a static value without a field", "InsertField$Value", {"static.value": "s"}, record(PLAIN))
    yield case("nothing", "InsertField$Value", {}, record(PLAIN))
    yield from refuses("InsertField", {"topic.field": "t"})


HEADERS = [
    header("a", STRING, "1"),
    header("b", None, "plain"),
    header("a", INT64, 2),
    header("c", of("bytes"), "AQID"),
]


def header_from_cases() -> Iterable[Case]:
    """HeaderFrom."""
    for operation in ("move", "copy"):
        for fields, headers in (
            ("id", "h"),
            ("id,name", "a,b"),
            ("state,note", "s,n"),
            ("absent", "h"),
            ("id,id", "x,y"),
        ):
            options = {"fields": fields, "headers": headers, "operation": operation}
            for side in ("Key", "Value"):
                sides: dict[str, Any] = {"key": PLAIN} if side == "Key" else {"value": PLAIN}
                yield case(
                    f"{operation} {fields} of {side}",
                    f"HeaderFrom${side}",
                    options,
                    record(**sides, headers=HEADERS),
                )
            yield case(
                f"{operation} {fields} of a map", "HeaderFrom$Value", options, record(MAP, headers=HEADERS)
            )
    kept = {"fields": "state", "headers": "s", "operation": "copy", "replace.null.with.default": "false"}
    yield case("a default kept null", "HeaderFrom$Value", kept, record(PLAIN))
    yield case(
        "an operation that is not there", "HeaderFrom$Value", {**kept, "operation": "steal"}, record(PLAIN)
    )
    yield case("more headers than fields", "HeaderFrom$Value", {**kept, "headers": "a,b"}, record(PLAIN))
    yield case("no fields", "HeaderFrom$Value", {**kept, "fields": ""}, record(PLAIN))
    yield case("without an operation", "HeaderFrom$Value", {"fields": "id", "headers": "h"}, record(PLAIN))
    yield from refuses("HeaderFrom", {"fields": "id", "headers": "h", "operation": "move"})


LITERALS = (
    "text", "5", "-5", "127", "128", "-128", "300", "40000", "70000", "3000000000", "9223372036854775807", "9223372036854775808", "+5", "05", "1.5", "1e3",
    "0.1", "1e40", "3.4028235e39", "1.0", "1.", ".5", "true", "false", "TRUE", "null", "", " ", "  padded ", '"quoted"', '"5"', "'single'", "NaN",
    "2024-02-29", "2024-02-29T12:34:56.789Z", "12:34:56.789Z", "2024-02-30", "2024-02-29T12:34:56", "[]", "[1,2,3]", "[1, 300]", "[1, 1.5]", '["a", "b"]',
    '[1, "a"]', "[null, 1]", "[true, false]", "[1,2", "1]", "{}", '{"a": 1}', '{"a": 1, "b": 300}', '{"a": "x", "b": 1}', "{1: 2}", "{a: 1}",
    "[[1],[2]]", '{"a": [1]}', '{"a"}', "a,b", "a:b", "a b c", "\\", '\\"', "1 2", "5L", "0x1F", "1_000", "truely", "nullable", "[1,,2]", '"a" b',
    "[2024-02-29, 2024-03-01]", '{"at": 2024-02-29}', '["2024-02-29"]', "2024-2-9", '"open', "[a]", "[ 1 ]", '{ "a" : 1 }', "-", "+", "-0", "1,2", "1:2",
)  # fmt: skip


def insert_header_cases() -> Iterable[Case]:
    """InsertHeader: its literal is parsed as Connect parses header values."""
    for literal in LITERALS:
        yield case(
            f"literal {literal}", "InsertHeader", {"header": "h", "value.literal": literal}, record(PLAIN)
        )
    yield case(
        "beside others", "InsertHeader", {"header": "a", "value.literal": "5"}, record(PLAIN, headers=HEADERS)
    )
    yield case("without a literal", "InsertHeader", {"header": "h"}, record(PLAIN))
    yield case("without a header", "InsertHeader", {"value.literal": "h"}, record(PLAIN))


def drop_headers_cases() -> Iterable[Case]:
    """DropHeaders."""
    for names in ("a", "b,c", "absent", "a, b", "a,a", ""):
        yield case(f"{names!r}", "DropHeaders", {"headers": names}, record(PLAIN, headers=HEADERS))
    yield case("without names", "DropHeaders", {}, record(PLAIN, headers=HEADERS))


def set_schema_metadata_cases() -> Iterable[Case]:
    """SetSchemaMetadata."""
    for options in (
        {"schema.name": "shop.New"},
        {"schema.version": "9"},
        {"schema.name": "shop.New", "schema.version": "9"},
    ):
        yield from both_sides(f"{options}", "SetSchemaMetadata", options, PLAIN)
        yield from both_sides(
            f"{options} of an array", "SetSchemaMetadata", options, typed(of("array", items=STRING), ["a"])
        )
        yield from both_sides(
            f"{options} of a map",
            "SetSchemaMetadata",
            options,
            typed(of("map", keys=STRING, values=INT64), {"a": 1}),
        )
        yield from refuses("SetSchemaMetadata", options)
    yield case(
        "defaults kept null",
        "SetSchemaMetadata$Value",
        {"schema.name": "n", "replace.null.with.default": "false"},
        record(PLAIN),
    )
    yield case("of a map without a schema", "SetSchemaMetadata$Value", {"schema.name": "n"}, record(MAP))
    yield case("neither", "SetSchemaMetadata$Value", {}, record(PLAIN))
    yield case("a version that is none", "SetSchemaMetadata$Value", {"schema.version": "two"}, record(PLAIN))
