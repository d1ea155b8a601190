"""Cast: every type to every type, as fields and as whole values."""

from collections.abc import Iterable
from typing import Any

from tests.contract.sink.transform_cases.building import (
    INT32,
    INT64,
    MAP,
    MILLIS,
    PLAIN,
    STRING,
    Case,
    Json,
    bare,
    both_sides,
    case,
    logical,
    of,
    record,
    refuses,
    struct,
    typed,
)

CAST_TARGETS = ("int8", "int16", "int32", "int64", "float32", "float64", "boolean", "string")
CAST_SOURCES: list[tuple[str, Json, list[Any]]] = [
    ("int8", of("int8"), [-128, 0, 5]),
    ("int16", of("int16"), [300, -32768]),
    ("int32", INT32, [70_000, -1]),
    ("int64", INT64, [0, 1, 2**40 + 5, -(2**63), 9_007_199_254_740_993]),
    ("float32", of("float"), [1.5, -0.25, 1e10, 16777216.0, 1e-5, 0.1]),
    (
        "float64",
        of("double"),
        [2.75, -1e300, 3e9, 1e19, 1234567.125, 1e7, 0.001, 1e-3, 123456789012.5, 0.0, 0.1],
    ),
    ("boolean", of("boolean"), [True, False]),
    (
        "string",
        STRING,
        [
            "12",
            "-7",
            "1.5",
            "true",
            "TRUE",
            "yes",
            "",
            " 1",
            "+5",
            "1e3",
            "999999999999",
            "0x10",
            "1f",
            "\u0661",
        ],
    ),
    ("bytes", of("bytes"), ["AQID"]),
    ("Date", logical("Date"), [19782]),
    ("Time", logical("Time"), [45_296_789]),
    ("Timestamp", logical("Timestamp"), [MILLIS, 0]),
    ("Decimal", logical("Decimal", parameters={"scale": "2"}), ["MDk=", "AA==", "/w=="]),
    ("array", of("array", items=STRING), [["a"]]),
    ("map", of("map", keys=STRING, values=STRING), [{"a": "b"}]),
]


def cast_cases() -> Iterable[Case]:
    """Every type to every type, fields and whole values."""
    for source, schema, values in CAST_SOURCES:
        for target in CAST_TARGETS:
            for value in values:
                data = struct(id=(INT64, 1), f=(schema, value))
                yield case(
                    f"{source} {value} to {target}", "Cast$Value", {"spec": f"f:{target}"}, record(data)
                )
        for target in CAST_TARGETS if schema["type"] in {"array", "map"} else ():
            data = struct(id=(INT64, 1), f=({**schema, "optional": True}, None))
            yield case(
                f"{source} that is null to {target}", "Cast$Value", {"spec": f"f:{target}"}, record(data)
            )
    for value in [5, -1, 2**40, 1.5, 1e19, True, "12", "x", None, [1], {"a": 1}]:
        for target in CAST_TARGETS:
            yield case(
                f"{value!r} without a schema to {target}",
                "Cast$Value",
                {"spec": f"f:{target}"},
                record(bare({"f": value})),
            )
    yield from both_sides("several fields", "Cast", {"spec": "id:string, name:string"}, PLAIN)
    yield from both_sides(
        "several fields of a map", "Cast", {"spec": "id:string,price:int32,open:string"}, MAP
    )
    yield from both_sides("whole", "Cast", {"spec": "int32"}, typed(INT64, 7))
    yield from both_sides("whole, without a schema", "Cast", {"spec": "STRING"}, bare(7))
    yield case("a field that is not there", "Cast$Value", {"spec": "absent:int8"}, record(PLAIN))
    yield case("a field that is not in the map", "Cast$Value", {"spec": "absent:int8"}, record(MAP))
    whole_default = typed(of("int64", optional=True, default=9, name="shop.Count", version=2, doc="d"), 7)
    yield case("whole with a default and a name", "Cast$Value", {"spec": "int8"}, record(whole_default))
    kept = struct(f=(of("int32", optional=True, default=5, name="shop.N", doc="n"), None))
    for replaced in ("true", "false"):
        options = {"spec": "f:string", "replace.null.with.default": replaced}
        yield case(f"a default, replaced {replaced}", "Cast$Value", options, record(kept))
    yield from (case(f"spec {spec!r}", "Cast$Value", {"spec": spec}, record(PLAIN))
                for spec in ("", "id:int7", "id:int8:int16", "int8,id:int8", "id:bytes", "id:struct", "id", ":int8", "id:"))  # fmt: skip
    yield case("without a spec", "Cast$Value", None, record(PLAIN))
    yield from refuses("Cast", {"spec": "f:int8"})
