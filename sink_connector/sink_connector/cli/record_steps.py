"""One record's way through converters and transforms, step by step."""

from collections.abc import Iterator, Mapping
from typing import Any

from aiokafka import ConsumerRecord

from sink_connector.cli.values import bytes_as_json, plain, schema_text
from sink_connector.config.connector import ConnectorConfig
from sink_connector.converters import Converter, PreparingConverter
from sink_connector.data.record import Header, Record, Schema
from sink_connector.errors import Stage, headline
from sink_connector.runtime.connector_definition import ConnectorDefinition
from sink_connector.runtime.conversion import bad_record
from sink_connector.runtime.record_converter import unwrapping_of
from sink_connector.transforms import Transform
from sink_connector.transforms.change_events import UnwrapChangeEvent

MISSING: Any = object()


def raw(record: ConsumerRecord) -> dict[str, Any]:
    """The record as it stands in Kafka."""
    return {
        "key": bytes_as_json(record.key),
        "value": bytes_as_json(record.value),
        "headers": [
            {"name": _visible(name), "value": bytes_as_json(value)} for name, value in record.headers
        ],
    }


async def steps(definition: ConnectorDefinition, record: ConsumerRecord) -> dict[str, Any]:
    """What the converters and each transform make of a record; what fails says why, and ends it.

    Raises what the schema registry raises when it does not answer.
    """
    key, value = definition.converters()
    for converter, data in ((key, record.key), (value, record.value)):
        if isinstance(converter, PreparingConverter):
            await converter.prepare(record.topic, [data])
    converted: dict[str, Any] = {}
    found = [
        _converted(converted, "key", key, record, Stage.KEY_CONVERTER),
        _converted(converted, "value", value, record, Stage.VALUE_CONVERTER),
    ]
    if any("error" in each for each in converted.values()):
        return {"converted": converted, "transforms": []}
    return {
        "converted": converted,
        "transforms": list(_transformed(definition, _as_record(record, *found))),
    }


def _converted(
    converted: dict[str, Any], side: str, converter: Converter, record: ConsumerRecord, stage: Stage
) -> tuple[Schema | None, Any]:
    data = record.key if side == "key" else record.value
    shown = {"converter": type(converter).__name__}
    try:
        decoded = converter.decode(record.topic, data, record.headers)
    except Exception as error:  # noqa: BLE001 - whatever it is, these bytes made it
        converted[side] = {**shown, "stage": stage.value, "error": str(bad_record(error, stage))}
        return None, None
    converted[side] = {
        **shown,
        "schema": None if decoded.value is None else schema_text(decoded.schema),
        "value": plain(decoded.value),
    }
    return decoded.schema, decoded.value


def _as_record(
    record: ConsumerRecord, key: tuple[Schema | None, Any], value: tuple[Schema | None, Any]
) -> Record:
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp if record.timestamp >= 0 else None,
        key_schema=key[0],
        key=key[1],
        value_schema=value[0],
        value=value[1],
        headers=tuple(Header(name, _header(data)) for name, data in record.headers),
    )


def _transformed(definition: ConnectorDefinition, record: Record) -> Iterator[dict[str, Any]]:
    current = record
    for name, kind, transform in _named(definition):
        step: dict[str, Any] = {"name": name, "type": kind}
        try:
            after = transform.apply(current)
        except Exception as error:  # noqa: BLE001 - whatever it is, this record made it
            yield {**step, "error": headline(bad_record(error, Stage.TRANSFORMATION))}
            return
        if after is None:
            yield {**step, "drops": True}
            return
        yield {**step, "changes": changes(current, after)}
        current = after


def _named(definition: ConnectorDefinition) -> Iterator[tuple[str, str, Transform]]:
    config: ConnectorConfig = definition.config
    aliases = [each.strip() for each in config.resolved.get("transforms", "").split(",") if each.strip()]
    for alias, transform in zip(aliases, definition.chain(), strict=True):
        yield alias, config.resolved[f"transforms.{alias}.type"].rpartition(".")[2], transform
    for transform in unwrapping_of(config):
        if isinstance(transform, UnwrapChangeEvent):
            yield "connector.class", "unwraps change events", transform
        else:
            yield "table.name.format", "takes the table's name from the change event's source", transform


def changes(before: Record, after: Record) -> list[dict[str, Any]]:
    """What differs between two states of a record, each with where, before and after; what is not there has no entry."""
    found = []
    if before.topic != after.topic:
        found.append(_change("topic", before.topic, after.topic))
    if before.timestamp != after.timestamp:
        found.append(_change("timestamp", before.timestamp, after.timestamp))
    for side in ("key", "value"):
        found += _side(
            side,
            (getattr(before, f"{side}_schema"), getattr(before, side)),
            (getattr(after, f"{side}_schema"), getattr(after, side)),
        )
    if before.headers != after.headers:
        found.append(_change("headers", _headers(before), _headers(after)))
    return found


def _side(
    side: str, before: tuple[Schema | None, Any], after: tuple[Schema | None, Any]
) -> list[dict[str, Any]]:
    if before == after:
        return []
    one, other = before[1], after[1]
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        found = [
            _change(f"{side}.{name}", one.get(name, MISSING), other.get(name, MISSING))
            for name in dict.fromkeys([*one, *other])
            if one.get(name, MISSING) != other.get(name, MISSING)
            or type(one.get(name)) is not type(other.get(name))
        ]
    else:
        found = [_change(side, one, other)] if one != other or type(one) is not type(other) else []
    schemas = [schema_text(schema) for schema, _ in (before, after)]
    if schemas[0] != schemas[1]:
        found.append(_change(f"{side} schema", *schemas))
    return found


def _change(where: str, before: Any, after: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"where": where}
    found |= {} if before is MISSING else {"before": plain(before)}
    return found | ({} if after is MISSING else {"after": plain(after)})


def _headers(record: Record) -> list[list[Any]]:
    return [[_visible(each.key), plain(each.value)] for each in record.headers]


def _header(data: bytes | None) -> str | bytes | None:
    try:
        return data.decode() if data is not None else None
    except UnicodeDecodeError:
        return data


def _visible(name: str) -> str:
    """A header's name, with backslashes for the bytes that are not UTF-8."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
