"""Bytes, values and schemas in a form that a person can read, within bounds."""

import codecs
import json
import math
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec

from sink_connector.data.exact_json import encode_exact, parse_exact
from sink_connector.data.record import DECIMAL, Schema, Type

MOST_BYTES = 512
MOST_TEXT = 300
LINE = 16  # bytes of a line of a hexdump
MOST_FIELDS = 40


def plain(value: Any) -> Any:  # noqa: PLR0911 - one for each form
    """A value of `data/record.py` as JSON has it: instants as ISO texts, bytes as hex, every digit of a number kept."""
    match value:
        case None | bool() | int() | str() | Decimal():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            return f"\\x{value.hex()}"
        case datetime() | date() | time():
            return value.isoformat()
        case msgspec.Raw():
            return parse_exact(value)
        case Mapping():
            return {str(plain(name)): plain(each) for name, each in value.items()}
        case list() | tuple():
            return [plain(each) for each in value]
    return str(value)


def text_of(value: Any, *, most: int = MOST_TEXT) -> str:
    """A value on one line, cut after `most` characters."""
    return shortened(encode_exact(plain(value)).decode(), most=most)


def shortened(text: str, *, most: int = MOST_TEXT) -> str:
    """A text, or its beginning and how long it is."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)"


def indented(value: Any) -> str:
    """JSON over several lines."""
    return msgspec.json.format(encode_exact(value), indent=2).decode()


def bytes_as_text(data: bytes, *, most: int = MOST_BYTES) -> str:
    """The text that the bytes are, else a hexdump; at most so many bytes of them."""
    shown = data[:most]
    more = f"… ({len(data):,} bytes)" if len(data) > most else ""
    text = _text(shown, is_cut=bool(more))
    return f"{text}{more}" if text is not None else _hexdump(shown) + (f"\n{more}" if more else "")


def bytes_as_json(data: bytes | None, *, most: int = MOST_BYTES) -> dict[str, Any] | None:
    """The same for a machine: size, and text or hex."""
    if data is None:
        return None
    text = _text(data[:most], is_cut=len(data) > most)
    shown = {"hex": data[:most].hex()} if text is None else {"text": text}
    return {"size": len(data), **shown}


def _text(data: bytes, *, is_cut: bool) -> str | None:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(
            data, not is_cut
        )  # the cut may go through a letter
    except UnicodeDecodeError:
        return None
    return text if all(letter.isprintable() or letter in "\n\t\r" for letter in text) else None


def _hexdump(data: bytes) -> str:
    lines = []
    for start in range(0, len(data), LINE):
        part = data[start : start + LINE]
        letters = "".join(chr(each) if 32 <= each < 127 else "." for each in part)  # noqa: PLR2004 - ASCII
        lines.append(f"{start:08x}  {part.hex(' '):<47}  {letters}")
    return "\n".join(lines)


def schema_text(schema: Schema | None) -> str:
    """A schema on one line: `struct{id: string, at: Timestamp?}`; a question mark for what may be null."""
    if schema is None:
        return "no schema"
    mark = "?" if schema.optional else ""
    default = f" = {json.dumps(plain(schema.default), default=str)}" if schema.has_default else ""
    return f"{_kind(schema)}{mark}{default}"


def _kind(schema: Schema) -> str:
    if schema.logical == DECIMAL:
        return f"Decimal({schema.parameter('scale') or '0'})"
    match schema.type:
        case Type.STRUCT:
            fields = [f"{each.name}: {schema_text(each.schema)}" for each in schema.fields[:MOST_FIELDS]]
            more = [f"… {len(schema.fields)} fields"] if len(schema.fields) > MOST_FIELDS else []
            kind = f"struct{{{', '.join(fields + more)}}}"
        case Type.ARRAY:
            kind = f"array<{schema_text(schema.items)}>"
        case Type.MAP:
            kind = f"map<{schema_text(schema.keys)}, {schema_text(schema.items)}>"
        case simple:
            kind = simple.value
    return f"{kind}({schema.name.rpartition('.')[2]})" if schema.name else kind
