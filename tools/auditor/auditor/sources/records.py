"""What a record's key and value say: the same reading for an outbox row and for a record in Kafka."""

from typing import Any

import msgspec

from auditor.observations import FIELDS, canonical


class BadRecordError(ValueError):
    """Key or value cannot be read as the contract has them."""


class _Envelope(msgspec.Struct):
    payload: Any


_decode = msgspec.json.Decoder(_Envelope).decode


def decoded(topic: str, *, key: bytes, value: bytes) -> tuple[str, int | None, str]:
    """Key, version and canonical body. A topic that carries no aggregates has no versions and its text as body.

    Raises BadRecordError.
    """
    try:
        if topic not in FIELDS:
            return key.decode(), None, value.decode()
        name, payload = _decode(key).payload, _decode(value).payload
        fields = {field: payload[field] for field in FIELDS[topic]}
    except (msgspec.MsgspecError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise BadRecordError(f"{type(error).__name__}: {error}") from error
    own_name = fields[FIELDS[topic][0]]
    if own_name != name:
        raise BadRecordError(f"the key says {name!r}, the value {own_name!r}")
    return name, fields["version"], canonical(fields)
