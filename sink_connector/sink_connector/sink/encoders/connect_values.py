"""Encoders for values in the Python form of `record.py`, which transforms and the registry converters give."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any

import msgspec

from sink_connector.converters.connect_json import to_json
from sink_connector.data.decimals import bounded
from sink_connector.data.instants import (
    DAY_US,
    EPOCH_2000_US,
    INFINITE_DAYS,
    INFINITE_US,
    MICROSECOND,
    date_of,
    micros_of,
)
from sink_connector.data.record import DATE, DECIMAL, TIME, TIMESTAMP, Schema
from sink_connector.sink.encoders.encoder import (
    EPOCH_2000_DAYS,
    PRIMITIVES,
    Each,
    Encode,
    Encoder,
    each,
    refused,
    scale_of,
)

EPOCH_2000 = datetime(2000, 1, 1, tzinfo=UTC)
_INFINITE_DAYS = {date_of(days): sent for days, sent in INFINITE_DAYS.items()}


def connect_encoder(schema: Schema) -> Encoder:
    """The encoder of a schema's values where the column has no say in it."""
    if schema.logical == TIMESTAMP:
        return Encoder("timestamp with time zone", _timestamps)
    if schema.logical is not None:
        kind, encode = _LOGICAL[schema.logical]
        return Encoder(kind, each(encode))
    scale = scale_of(schema)
    if scale is not None:
        return Encoder(scale.type, scale.encode)
    if schema.type in PRIMITIVES:
        return Encoder(PRIMITIVES[schema.type])
    return document_wire(schema)


def document_wire(schema: Schema, kind: str = "jsonb") -> Encoder:
    """The encoder of any value as a document, which travels as a jsonb, a json or a text."""
    return Encoder(kind, written_as(kind, each(partial(document, schema))))


def written_as(kind: str, encode: Encode) -> Encode:
    """An encoding that gives JSON texts, for documents that travel as a type: spaced like a jsonb's where the text is what stays."""
    if kind == "jsonb":
        return encode
    finish = spaced if kind == "json" else _spaced_text
    return lambda column: [None if text is None else finish(text) for text in encode(column)]


def spaced(text: bytes) -> bytes:
    """A JSON text with a blank after each colon and comma, as PostgreSQL writes a jsonb."""
    return msgspec.json.format(text, indent=0)


def _spaced_text(text: bytes) -> str:
    return spaced(text).decode()


def document(schema: Schema, value: Any) -> bytes | None:
    """A value as JSON text, in the forms of Connect's own JSON; only a Decimal is a number, to be of use.

    Raises `BadRecordError` when the value does not fit its schema.
    """
    if value is None:
        return None
    try:
        return to_json(schema, value)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        raise refused(f"a {schema.type.value} that fits its schema: {error}") from error


def _timestamps(column: Sequence[Any]) -> Sequence[Any]:
    try:
        return [None if value is None else ((value - EPOCH_2000) // MICROSECOND,) for value in column]
    except TypeError:  # one of them is beyond Python's calendar
        return each(_timestamp)(column)


def _timestamp(value: datetime | timedelta) -> tuple[int]:
    micros = micros_of(value)
    return (INFINITE_US.get(micros, micros - EPOCH_2000_US),)


def _date(value: date | timedelta) -> tuple[int]:
    if isinstance(value, timedelta) and value in _INFINITE_DAYS:
        return (_INFINITE_DAYS[value],)
    return (micros_of(value) // DAY_US - EPOCH_2000_DAYS,)


def _time(value: time | timedelta) -> tuple[int]:
    return (micros_of(value),)


_LOGICAL: dict[str, tuple[str, Each]] = {
    DATE: ("date", _date),
    TIME: ("time without time zone", _time),
    DECIMAL: ("numeric", bounded),
}
