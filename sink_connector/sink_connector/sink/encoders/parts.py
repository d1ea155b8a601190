"""Encoders for columns of types that are made of others: composite types, ranges, multiranges, and arrays of these.

What the server reads into such a type it reads into the types of its parts, and cuts or rounds there without a word. So values
are taken apart, each part goes the way that it would go into a column of its own, and the server puts them together again.
"""

# ruff: noqa: S608 - every name of a type comes from the server's catalog

from collections.abc import Callable, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import msgspec

from sink_connector.data.decimals import MOST_SCALE
from sink_connector.data.exact_json import encode_exact
from sink_connector.data.instants import (
    EPOCH_2000_US,
    INFINITE_DAYS,
    INFINITE_US,
    date_text,
    time_text,
    timestamp_text,
)
from sink_connector.data.record import Schema, Type
from sink_connector.sink.encoders.column_values import array_wire, element_column
from sink_connector.sink.encoders.encoder import EPOCH_2000_DAYS, INTEGERS, Encode, Encoder, each, refused
from sink_connector.sink.encoders.guards import scale_of_column
from sink_connector.sink.encoders.literals import (
    EMPTY,
    array_elements,
    array_literal,
    range_parts,
    ranges,
    record_fields,
)
from sink_connector.sink.table_metadata import COMPOSITE, RANGE, Column

EncoderFor = Callable[[Column], Encoder]

# A CASE, because the server makes constants of what is known when it plans, of a null, too.
_PARTS = "(SELECT CASE WHEN p.e IS NOT NULL THEN {made} END FROM (SELECT CAST({{}} AS text[]) AS e) AS p)"
_INFINITE = {sent: "infinity" if sent > 0 else "-infinity" for sent in INFINITE_US.values()}
_INFINITE_DAYS = {sent: "infinity" if sent > 0 else "-infinity" for sent in INFINITE_DAYS.values()}
_DIGITS = 2 * MOST_SCALE + 200_000  # more than numeric has


def text_wire(column: Column, of_text: EncoderFor) -> Encoder | None:
    """The encoder of texts for a column, by that of texts for its parts; None where the server reads what the text says."""
    if column.base_type.endswith("[]"):
        return _array_text(column, of_text)
    if not column.parts:
        return None
    wires = [of_text(part) for part in column.parts]
    if column.kind == COMPOSITE:
        return Encoder("text", each(lambda text: _of_fields(column, wires, text)), _row(column, wires))
    return _range_text(column, wires[0], column.parts[0])


def _range_text(column: Column, wire: Encoder, part: Column) -> Encoder | None:
    if part.base_type in INTEGERS or (part.base_type == "numeric" and scale_of_column(part) is None):
        return None  # the server keeps all of such a bound, or refuses it
    if column.kind == RANGE and (wire.template is not None or wire.encode is not None):
        return Encoder("text", each(lambda text: _of_bounds(wire, text)), _range(column, wire, part))
    if column.kind == RANGE or wire.template is None:
        return None

    def encode(text: str) -> str:
        return array_literal([_literal(wire, found) for found in ranges(text)])

    return Encoder("text", each(encode), _multirange(column, wire, part))


def composite_wire(schema: Schema, column: Column, of: Callable[[Schema, Column], Encoder]) -> Encoder:
    """The encoder of structs or maps, in the Python form of `record.py`, for a composite type: field by name.

    `of` gives the encoder of a schema's values for an attribute. An attribute without a field becomes null.
    """
    of_field = {each.name: each.schema for each in schema.fields}
    if schema.type is Type.MAP and schema.items is not None:
        of_field = dict.fromkeys((part.name for part in column.parts), schema.items)
    wires = [
        of(of_field[part.name], part) if part.name in of_field else Encoder("text") for part in column.parts
    ]
    known = {part.name for part in column.parts}
    unknown = [name for name in of_field if name not in known]

    def encode(value: dict[Any, Any]) -> str:
        _refuse_unknown(column, unknown or [name for name in value if name not in known])
        return _literals(wires, [value.get(part.name) for part in column.parts])

    return Encoder("text", each(encode), _row(column, wires))


def untyped_wire(column: Column, of_text: EncoderFor, of_json: EncoderFor) -> Encoder | None:
    """The encoder of JSON without a schema for a column that is no array: objects for a composite type, else texts.

    None where what the server reads is what a text says.
    """
    wire = text_wire(column, of_text)
    if wire is None or wire.encode is None:
        return None
    encode_texts = wire.encode
    inner = [of_json(part) for part in column.parts] if column.kind == COMPOSITE else []

    def encode(sent: Any) -> str | None:
        text = _raw(sent)
        if text == b"null":
            return None
        if text.startswith(b'"'):
            [found] = encode_texts([msgspec.json.decode(text, type=str)])
            return str(found)
        if not inner:
            raise refused(f"a text for a column of type {column.base_type}")
        return _of_object(column, inner, text)

    return Encoder("text", lambda values: [encode(value) for value in values], wire.template)


def _array_text(column: Column, of_text: EncoderFor) -> Encoder | None:
    element = element_column(column)
    if element is None or not element.parts:
        return None  # the whole of it is compared, or looked at, in SQL and in `guards`
    wire = of_text(element)
    if wire.template is None:
        return None
    outer = array_wire(wire)
    encode: Encode = outer.encode or list
    return Encoder(outer.type, lambda column: encode(each(array_elements)(column)), outer.template)


def _of_fields(column: Column, wires: Sequence[Encoder], text: str) -> str:
    fields = record_fields(text)
    if len(fields) != len(wires):
        raise refused(f"{len(wires)} fields for a column of type {column.base_type}, not {len(fields)}")
    return _literals(wires, fields)


def _of_bounds(wire: Encoder, text: str) -> str:
    lower, upper, kind = range_parts(text)
    return array_literal([_literal(wire, lower), _literal(wire, upper), kind])


def _of_object(column: Column, inner: Sequence[Encoder], text: bytes) -> str:
    """In the texts that `text_wire` sends: what JSON says of each type that travels as itself, its text says, too."""
    try:
        found = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except ValueError as error:
        raise refused(f"an object or a text for a column of type {column.base_type}: {error}") from error
    known = {part.name for part in column.parts}
    _refuse_unknown(column, [name for name in found if name not in known])
    texts = []
    for part, wire in zip(column.parts, inner, strict=True):
        raw = found.get(part.name)
        [sent] = [raw] if raw is None or wire.encode is None else wire.encode([raw])
        texts.append(_text(wire.type, _rounded(sent, part)))
    return array_literal(texts)


def _rounded(sent: Any, part: Column) -> Any:
    """A number with a point as its column would round it; one that is meant to the last digit was refused."""
    scale = scale_of_column(part)
    if isinstance(sent, list):
        return [_rounded(each, part) for each in sent]
    if scale is None or not isinstance(sent, Decimal) or not sent.is_finite():
        return sent
    with localcontext(prec=_DIGITS):
        return sent.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)


def _refuse_unknown(column: Column, names: Sequence[str]) -> None:
    if names:
        listed = ", ".join(map(repr, names))
        raise refused(f"no field {listed}, of which type {column.base_type} has no attribute")


def _raw(value: Any) -> bytes:
    return bytes(value).strip() if isinstance(value, msgspec.Raw | bytes) else encode_exact(value)


def _literals(wires: Sequence[Encoder], values: Sequence[Any]) -> str:
    return array_literal([_literal(*pair) for pair in zip(wires, values, strict=True)])


def _literal(wire: Encoder, value: Any) -> str | None:
    if value is None:
        return None
    [sent] = [value] if wire.encode is None else wire.encode([value])
    return _text(wire.type, sent)


def _text(kind: str, sent: Any) -> str | None:
    """What an encoder sends as a type, as PostgreSQL reads it from a text."""
    if sent is None:
        return None
    if kind.endswith("[]"):
        return array_literal(_texts(kind.removesuffix("[]"), sent))
    return _TEXTS.get(kind, str)(sent)


_TEXTS: dict[str, Callable[[Any], str]] = {
    "boolean": lambda sent: "true" if sent else "false",
    "bytea": lambda sent: f"\\x{bytes(sent).hex()}",
    **dict.fromkeys(("json", "jsonb"), lambda sent: bytes(sent).decode()),
    **dict.fromkeys(("real", "double precision"), lambda sent: repr(float(sent))),
    "date": lambda sent: _INFINITE_DAYS.get(sent[0]) or date_text(sent[0] + EPOCH_2000_DAYS),
    "time without time zone": lambda sent: time_text(sent[0]),
    **dict.fromkeys(
        ("timestamp with time zone", "timestamp without time zone"),
        lambda sent: _INFINITE.get(sent[0]) or timestamp_text(sent[0] + EPOCH_2000_US),
    ),
}


def _texts(kind: str, sent: Sequence[Any]) -> list[Any]:
    """Elements as texts; a list among them is one of several dimensions."""
    return [_texts(kind, item) if isinstance(item, list) else _text(kind, item) for item in sent]


def _row(column: Column, wires: Sequence[Encoder]) -> str:
    """By way of a text, of which the server refuses what an attribute would not take, where a cast of a row would cut it."""
    cells = ", ".join(
        wire.expression(f"CAST(p.e[{place}] AS {wire.type})", part)
        for place, (wire, part) in enumerate(zip(wires, column.parts, strict=True), 1)
    )
    return _PARTS.format(made=f"CAST(CAST(ROW({cells}) AS text) AS {column.base_type})")


def _range(column: Column, wire: Encoder, part: Column) -> str:
    lower, upper = (
        f"CAST({wire.expression(f'CAST(p.e[{place}] AS {wire.type})', part)} AS {part.type})"
        for place in (1, 2)
    )
    kind = column.base_type
    return _PARTS.format(
        made=f"CASE WHEN p.e[3] = '{EMPTY}' THEN CAST('{EMPTY}' AS {kind}) ELSE {kind}({lower}, {upper}, p.e[3]) END"
    )


def _multirange(column: Column, wire: Encoder, part: Column) -> str:
    inner = wire.expression("u.e", part)
    each_range = f"ARRAY(SELECT {inner} FROM unnest(p.e) WITH ORDINALITY AS u (e, place) ORDER BY u.place)"
    return _PARTS.format(made=f"{column.base_type}(VARIADIC {each_range})")
