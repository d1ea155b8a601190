"""JSON without a schema: the columns of the table decide about its types."""

import re
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from sink_connector.converters import Columns, Decoded, RawHeaders, read_each
from sink_connector.data.exact_json import parse_exact
from sink_connector.data.record_schema import RecordSchema, UntypedRecordSchemas
from sink_connector.errors import BadRecordError

MOST_DEPTH = 200  # levels of a value; what is deeper was made to break something
_decode_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_OUTSIDE_OF_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*"|[^\[\]{}"]+', re.DOTALL)


class PlainJsonConverter:
    """`JsonConverter` with `schemas.enable=false`."""

    def __init__(self) -> None:
        """Takes what it works with."""
        self._shapes = UntypedRecordSchemas()

    def decode(self, topic: str, data: bytes | None, headers: RawHeaders) -> Decoded:  # noqa: ARG002 - the protocol's
        """The value, parsed, without a schema. Raises `BadRecordError`."""
        return Decoded(None, None if data is None else _parsed(data, parse_exact))

    def read(self, data: bytes) -> tuple[RecordSchema | None, Any]:
        """Fields stay unparsed until it is known which column they go to. Raises `BadRecordError`."""
        if data[:1] == b"{":
            value = _parsed(data, _object)
            return self._shapes.of(value), value
        value = _parsed(data, parse_exact)
        if isinstance(value, dict):
            value = _parsed(data, _object)
        return (None, None) if value is None else (self._shapes.of(value), value)

    def read_all(self, data: Sequence[bytes | None]) -> Columns:
        """What `read` gives for each; None and None for None. Raises `BadRecordError`."""
        return read_each(self.read, data)


def _object(data: bytes) -> dict[str, msgspec.Raw]:
    value = _decode_object(data)
    if not data.isascii():
        data.decode()  # what stays unparsed was not checked to be UTF-8
    return value


def _parsed(data: bytes, decode: Callable[[bytes], Any]) -> Any:
    if data.count(b"[") + data.count(b"{") > MOST_DEPTH and _depth(data) > MOST_DEPTH:
        raise BadRecordError(f"not JSON that can be used: nested more than {MOST_DEPTH} levels deep")
    try:
        return decode(data)
    except RecursionError as error:
        raise BadRecordError("not JSON that can be used: nested too deeply") from error
    except ValueError as error:  # msgspec's errors and UnicodeDecodeError are such
        raise BadRecordError(f"not JSON: {error}") from error


def _depth(data: bytes) -> int:
    """How deep the brackets are nested; those inside of texts do not count."""
    deepest = depth = 0
    for bracket in _OUTSIDE_OF_TEXTS.sub(b"", data):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
