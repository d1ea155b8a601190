"""Vectors, as Debezium writes those of pgvector, in the texts that its types read; without the extension, which Debian has not."""

from typing import Any

import msgspec
import pytest

from sink_connector.converters.compiled import compile_schema
from sink_connector.converters.connect_schema import parse_schema
from sink_connector.data.record_schema import ANY, Form
from sink_connector.sink.encoders.encoding import encoder_of
from sink_connector.sink.table_metadata import Column


def column(kind: str) -> Column:
    return Column(
        name="x",
        type=kind,
        base_type=kind,
        not_null=False,
        has_default=False,
        generated=False,
        takes_documents=False,
    )


def field(kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"field": "x", "type": kind, "name": f"io.debezium.data.{name}", "optional": True, **more}


DOUBLES = field("array", "DoubleVector", items={"type": "double"})
FLOATS = field("array", "FloatVector", items={"type": "float"})
PLAIN = {"field": "x", "type": "array", "optional": True, "items": {"type": "int32", "optional": True}}
SPARSE = field(
    "struct", "SparseDoubleVector",
    fields=[
        {"field": "dimensions", "type": "int16"},
        {"field": "vector", "type": "map", "keys": {"type": "int16"}, "values": {"type": "double"}},
    ],
)  # fmt: skip
CASES = [
    ("vector", DOUBLES, [1, 0.1, -1e-30], "[1.0,0.1,-1e-30]"),
    ("public.halfvec", FLOATS, [1.5], "[1.5]"),
    ("vector", PLAIN, [1, None], "[1,null]"),
    ('"my schema".sparsevec', SPARSE, {"dimensions": 5, "vector": [[1, 1.5], [3, -2]]}, "{1:1.5,3:-2.0}/5"),
    ("vector", DOUBLES, None, None),
]


@pytest.mark.parametrize(("kind", "schema", "value", "sent"), CASES)
def test_a_vector_travels_as_its_text(
    kind: str, schema: dict[str, Any], value: Any, sent: str | None
) -> None:
    struct = parse_schema({"type": "struct", "fields": [schema]})
    assert struct is not None
    shape, decode = compile_schema(struct)
    [cell] = shape.take(decode(msgspec.json.encode({"x": value})))
    wire = encoder_of(struct.fields[0].schema, shape.form, column(kind))
    assert wire.encode is not None
    assert (list(wire.encode([cell])), wire.expression("s", column(kind))) == ([sent], f"CAST(s AS {kind})")


def test_a_vector_without_a_schema_travels_as_its_text() -> None:
    wire = encoder_of(ANY, Form.UNTYPED, column("vector"))
    assert wire.encode is not None
    values = [[1, 2.5], msgspec.Raw(b"[0.1]"), "[7]", None]
    assert list(wire.encode(values)) == ["[1, 2.5]", "[0.1]", "[7]", None]
