"""What a record's key and value say: the same reading for an outbox row and for a record in Kafka."""

from typing import Any

import msgspec

from auditor.observations import FIELDS, canonical

_LARGEST = 2**63 - 1


class BadRecordError(ValueError):
    """Key or value cannot be read as the contract has them."""


class _Envelope(msgspec.Struct):
    payload: Any


_decode = msgspec.json.Decoder(_Envelope).decode


def decoded(topic: str, *, key: bytes, value: bytes) -> tuple[str, int | None, str]:
    """Key, version and canonical body. A topic that carries no aggregates has no versions and its text as body.

    Raises:
        BadRecordError: whatever the bytes are, this is all that is raised.
    """
    if topic not in FIELDS:
        return text_of(key, what="key"), None, text_of(value, what="value")
    try:
        name, payload = _decode(key).payload, _decode(value).payload
        fields = {field: payload[field] for field in FIELDS[topic]}
        body = canonical(fields)
        stored = body.encode() and str(name).encode()  # a lone surrogate is no text that a database takes
    except (
        Exception
    ) as error:  # whatever a decoder makes of bytes from anywhere, it is a finding about the record
        raise BadRecordError(f"{type(error).__name__}: {error}") from error
    own_name, version = fields[FIELDS[topic][0]], fields["version"]
    if not isinstance(name, str) or not stored:
        raise BadRecordError(f"the key {name!r} is no name")
    if own_name != name:
        raise BadRecordError(f"the key says {name!r}, the value {own_name!r}")
    if type(version) is not int or not 0 < version <= _LARGEST:
        raise BadRecordError(f"the version {version!r} is none")
    return name, version, body


def text_of(content: bytes, *, what: str) -> str:
    """UTF-8 as text. Raises BadRecordError, which names `what` it is."""
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise BadRecordError(f"{what} is no text: {error}") from error
