"""JSON without a schema: the columns of the table decide about its types."""

from typing import Any

import msgspec

from sink_connector.converters import Decoded, RawHeaders
from sink_connector.data.record_schema import Shape, UntypedShapes
from sink_connector.errors import BadRecordError

NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_object = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_anything = msgspec.json.Decoder().decode


class PlainJsonConverter:
    """`JsonConverter` with `schemas.enable=false`."""

    def __init__(self) -> None:
        self._shapes = UntypedShapes()

    def decode(self, topic: str, data: bytes | None, headers: RawHeaders) -> Decoded:  # noqa: ARG002 - the protocol's
        return Decoded(None, None if data is None else _parsed(data, _anything))

    def read(self, data: bytes) -> tuple[Shape | None, Any]:
        """Fields stay unparsed until it is known which column they go to."""
        if data[:1] == b"{":
            value = _parsed(data, _object)
            return self._shapes.of(value), value
        value = _parsed(data, _anything)
        return (None, None) if value is None else (self._shapes.of(value), value)


def _parsed(data: bytes, decode: Any) -> Any:
    try:
        return decode(data)
    except NOT_JSON as error:
        raise BadRecordError(f"not JSON: {error}") from error
