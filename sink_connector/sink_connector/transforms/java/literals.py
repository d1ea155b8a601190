"""Header values written as text, read as Connect reads them (its `Values.parseString`)."""

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from sink_connector.converters import Decoded
from sink_connector.data.decimals import single
from sink_connector.data.instants import instant
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Schema, Type
from sink_connector.transforms.java.casting import BITS, CASTS
from sink_connector.transforms.java.dates import DateFormat

STRING = Schema(type=Type.STRING)
CONSTANTS = {
    "null": Decoded(None, None),
    "true": Decoded(Schema(type=Type.BOOLEAN), True),  # noqa: FBT003 - a value
    "false": Decoded(Schema(type=Type.BOOLEAN), False),  # noqa: FBT003 - a value
}
_NUMBER = re.compile(r"[+-]?\d+\.?\d*(?:[eE][+-]?\d+)?", re.ASCII)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_TOKEN = re.compile(r"[^,:\[\]{}]+")
_WITH_COLONS = re.compile(r"[^,\[\]{}]+")
_SPACE = re.compile(r"\s*")
_WIDENING = (Type.INT8, Type.INT16, Type.INT32, Type.INT64, Type.FLOAT32, Type.FLOAT64)
_BIGGEST_EXACT = Decimal("1e19")

# An instant is known by the length of its text.
_INSTANTS: dict[int, tuple[Schema, DateFormat, Callable[[datetime], Any]]] = {
    10: (Schema(type=Type.INT32, name=DATE, version=1), DateFormat("yyyy-MM-dd"), datetime.date),
    13: (Schema(type=Type.INT32, name=TIME, version=1), DateFormat("HH:mm:ss.SSS'Z'"), datetime.time),
    24: (
        Schema(type=Type.INT64, name=TIMESTAMP, version=1), DateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"),
        lambda moment: moment,
    ),
}  # fmt: skip


def parse_literal(text: str) -> Decoded:
    """null, true, false, a number (the smallest type that holds it), an ISO date, time or timestamp, [a list], {a map}.

    Anything else is the text itself.
    """
    if text in CONSTANTS:
        return CONSTANTS[text]
    try:
        if text[:1] in {"[", "{"}:
            return _container(text, 0)[0]
        if text[:1].isdigit() or text[:1] in {"+", "-"}:
            return _scalar(text, 0)[0]
    except ValueError:
        pass  # not what it began as
    return Decoded(STRING, text)


def _element(text: str, at: int) -> tuple[Decoded, int]:
    """A value inside a list or map, and where it ends. Raises ValueError when there is none."""
    at = _after_space(text, at)
    if text[at : at + 1] in {"[", "{"}:
        return _container(text, at)
    if quoted := _QUOTED.match(text, at):
        content = re.sub(r"\\(.)", r"\1", quoted[1])
        return _instant(content) or Decoded(STRING, content), quoted.end()
    for word, constant in CONSTANTS.items():
        if text.startswith(word, at):
            return constant, at + len(word)
    return _scalar(text, at)


def _scalar(text: str, at: int) -> tuple[Decoded, int]:
    if (token := _WITH_COLONS.match(text, at)) and (found := _instant(token[0].strip())):
        return found, token.end()
    if (token := _TOKEN.match(text, at)) and _NUMBER.fullmatch(token[0].strip()):
        return _number(Decimal(token[0].strip())), token.end()
    raise ValueError(text)


def _instant(text: str) -> Decoded | None:
    if len(text) not in _INSTANTS:
        return None
    schema, format_, part = _INSTANTS[len(text)]
    try:
        return Decoded(schema, part(instant(format_.parse(text))))
    except ValueError:
        return None


def _number(number: Decimal) -> Decoded:
    scale = -int(number.as_tuple().exponent)
    if (not number or 1 <= abs(number) <= _BIGGEST_EXACT) and number == int(number):
        for kind, bits in BITS.items():
            if -(1 << (bits - 1)) <= int(number) < 1 << (bits - 1):
                return Decoded(Schema(type=kind), int(number))
    if scale and abs(single(float(number))) != float("inf"):
        return Decoded(Schema(type=Type.FLOAT32), single(float(number)))
    if scale and abs(float(number)) != float("inf"):
        return Decoded(Schema(type=Type.FLOAT64), float(number))
    schema = Schema(type=Type.BYTES, name=DECIMAL, version=1, parameters=(("scale", str(scale)),))
    return Decoded(schema, number)


def _container(text: str, at: int) -> tuple[Decoded, int]:
    return _list(text, at + 1) if text[at] == "[" else _map(text, at + 1)


def _list(text: str, at: int) -> tuple[Decoded, int]:
    found: list[Decoded] = []
    while text[(at := _after_space(text, at)) : at + 1] != "]":
        element, at = _element(text, at)
        found.append(element)
        at = _after_space(text, at)
        if text[at : at + 1] == ",":
            at += 1
        elif text[at : at + 1] != "]":
            raise ValueError(text)
    items = _common(found)
    return Decoded(Schema(type=Type.ARRAY, items=items), _aligned(found, items)), at + 1


def _map(text: str, at: int) -> tuple[Decoded, int]:
    keys: list[Decoded] = []
    values: list[Decoded] = []
    while text[(at := _after_space(text, at)) : at + 1] != "}":
        key, at = _element(text, at)
        at = _after_space(text, at)
        if key.value is None or text[at : at + 1] != ":":
            raise ValueError(text)
        value, at = _element(text, at + 1)
        keys.append(key)
        values.append(value)
        at = _after_space(text, at)
        at += text[at : at + 1] == ","
    key_schema, value_schema = _common(keys), _common(values)
    pairs = zip(_aligned(keys, key_schema), _aligned(values, value_schema), strict=True)
    return Decoded(Schema(type=Type.MAP, keys=key_schema, items=value_schema), dict(pairs)), at + 1


def _common(found: list[Decoded]) -> Schema | None:
    """The schema that holds all of the values: the widest number, or the one they share; None if there is none."""
    schemas = {each.schema for each in found if each.schema is not None}
    if len(schemas) == 1:
        return next(iter(schemas))
    kinds = {schema.type for schema in schemas if schema.name is None}
    if len(kinds) == len(schemas) and kinds and kinds <= set(_WIDENING):
        return Schema(type=max(kinds, key=_WIDENING.index))
    return None


def _aligned(found: list[Decoded], schema: Schema | None) -> list[Any]:
    if schema is None:
        return [each.value for each in found]
    if any(each.value is None for each in found):
        raise ValueError("null beside values of a type")
    if schema.type in _WIDENING and schema.name is None:
        return [CASTS[schema.type](each.value) for each in found]
    return [each.value for each in found]


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at
