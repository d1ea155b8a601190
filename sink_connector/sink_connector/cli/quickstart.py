"""`sink-connector quickstart TOPIC`: a connector for a topic and a table that were looked at, and tried, before it is printed."""

# ruff: noqa: T201 - it speaks to a person

import argparse
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from aiokafka import ConsumerRecord

from sink_connector.cli.dry_run import try_records
from sink_connector.cli.looking import look
from sink_connector.cli.proposal import propose
from sink_connector.cli.topic_reader import Extent, shares, topic_reader
from sink_connector.cli.values import indented
from sink_connector.config.connector import ConverterConfig
from sink_connector.config.contradictions import TOPIC_NAME
from sink_connector.config.definition import JSON_CONVERTER
from sink_connector.converters import Converter, PreparingConverter
from sink_connector.converters.factory import CONVERTERS, make_converter
from sink_connector.converters.registry.wire import REGISTRY_CLASSES, has_id
from sink_connector.data.record import Record
from sink_connector.errors import BadRecordError, ConfigError, SinkError, headline
from sink_connector.runtime.connector_definition import ConnectorDefinition
from sink_connector.sink.session import connect
from sink_connector.sink.table_metadata import read_table
from sink_connector.sink.table_naming import TableNaming
from sink_connector.transforms.configuration import chain_of

MOST_RECORDS = 10_000
CONNECTOR_CLASS = "io.confluent.connect.jdbc.JdbcSinkConnector"
STORAGE = "org.apache.kafka.connect.storage.StringConverter"
BYTES = "org.apache.kafka.connect.converters.ByteArrayConverter"
NUMBERS = tuple(name for name in CONVERTERS if name.endswith(("LongConverter", "IntegerConverter")))
UNWRAP = {"transforms": "unwrap", "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState"}
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
TEXT = re.compile(r"[^\x00-\x08\x0e-\x1f\x7f]*")  # what a person would call a text
WARNED = ("bad", "untried")

# The keys of a converter, below key.converter or value.converter: the class itself stands under "".
Options = Mapping[str, str]


def run(options: argparse.Namespace) -> int:
    """0 when the sampled records would be written as the printed connector says, else 1.

    Raises `ConfigError`, and `SinkError` where there is no connector to be printed.
    """
    if not 1 <= options.records <= MOST_RECORDS:
        raise ConfigError({"--records": [f"is {options.records}, it must be 1 to {MOST_RECORDS}"]})
    if not TOPIC_NAME.fullmatch(options.topic):
        raise ConfigError({"TOPIC": [f"is {options.topic!r}, and no topic can be called so"]})
    variable = options.target
    if not VARIABLE.fullmatch(variable) or not os.environ.get(variable):
        raise ConfigError(
            {"--target": [f"is {variable!r}, it must name an environment variable with the database's URL"]}
        )
    given = {
        "name": options.name or options.topic,
        "connector.class": CONNECTOR_CLASS,
        "topics": options.topic,
        "connection.url": f"${{env:{variable}}}",
        **({"table.name.format": options.table} if options.table and options.table != options.topic else {}),
    }
    found = look(given, lambda definition: survey(definition, options.registry, options.records))
    config = given | found["keys"]
    report = look(config, lambda definition: try_records(definition, "latest", options.records))
    print(indented({"name": config.pop("name"), "config": config}))
    for note in (*found["notes"], *_tried(report)):
        print(f"sink-connector: {note}", file=sys.stderr)
    return 1 if report["stopped"] or any(report[kind] for kind in WARNED) else 0


async def survey(definition: ConnectorDefinition, registry: str, most: int) -> dict[str, Any]:
    """The keys that a connector for the last records of a topic needs besides those it has, and notes on them.

    Raises `SinkError` when nothing can be made of the records.
    """
    [topic] = definition.config.topics
    records = await _last(definition, topic, most)
    keys, sample = await _converted(topic, records, registry)
    unwrapped = _unwrapped(sample)
    is_wrapped = any(after is not before for before, after in zip(sample, unwrapped, strict=True))
    rows = [record for record in unwrapped if record is not None] if is_wrapped else sample
    if not any(isinstance(record.value, dict) for record in rows):
        raise SinkError(
            f"the values of {topic} are no objects with fields, so there are no columns to be written"
        )
    naming = TableNaming(definition.config.table)
    connection = await connect(definition.config.connection, name="sink-connector quickstart")
    try:
        table = await read_table(connection, naming.table_of(topic))
    finally:
        await connection.close()
    if table is None and any(record.value is not None and record.value_schema is None for record in rows):
        raise SinkError(
            f"there is no table {naming.table_of(topic)}, and records without a schema do not say what it should look "
            "like: create it, or name another one with --table"
        )
    proposal = propose(rows, table)
    return {
        "keys": {**keys, **(UNWRAP if is_wrapped else {}), **proposal.keys},
        "notes": [
            *_unread(len(records) - len(sample), len(records)),
            *proposal.notes,
            *(
                [f"the table {naming.table_of(topic)} is not there yet: the connector makes it"]
                if table is None
                else []
            ),
        ],
    }


def _unwrapped(sample: Sequence[Record]) -> list[Record | None]:
    """The rows of change events, None where there is none; one that is malformed is a bad record when it is tried."""
    unwrap, found = chain_of(UNWRAP), []
    for record in sample:
        try:
            found.append(unwrap.apply(record))
        except BadRecordError:
            found.append(None)
    return found


async def _last(definition: ConnectorDefinition, topic: str, most: int) -> list[ConsumerRecord]:
    """The last records of the topic. Raises `SinkError` when there are none."""
    async with topic_reader(definition.consumer) as reader:
        partitions = [each for each in await reader.partitions() if each.topic == topic]
        if not partitions:
            raise SinkError(f"there is no topic {topic}")
        extents = await reader.extents(partitions)
        taken = shares(extents, most)
        spans = {each: Extent(extent.end - taken[each], extent.end) for each, extent in extents.items()}
        records = await reader.read(spans, taken)
    if not records:
        raise SinkError(f"the topic {topic} is empty: send it a record to look at first")
    return records


async def _converted(
    topic: str, records: Sequence[ConsumerRecord], registry: str
) -> tuple[dict[str, str], list[Record]]:
    """The converters' keys, and the records that they take."""
    keys = [record.key for record in records]
    values = [record.value for record in records]
    key_options = await _first(topic, keys, _key_candidates(keys, registry), is_key=True)
    value_options = await _first(topic, values, _value_candidates(registry), is_key=False)
    if value_options is None:
        hint = (
            " (are they in a registry's wire format? then say --registry URL)"
            if _are_registered(values)
            else ""
        )
        raise SinkError(
            f"most values of {topic} are neither JSON nor of a format that a registry knows{hint}"
        )
    found = {
        f"{kind}.converter{'.' if name else ''}{name}": value
        for kind, options in (("key", key_options), ("value", value_options))
        for name, value in (options or {}).items()
    }
    read_key = await _prepared(topic, keys, key_options or {"": BYTES}, is_key=True)
    read_value = await _prepared(topic, values, value_options, is_key=False)
    return found, list(filter(None, (_record(record, read_key, read_value) for record in records)))


def _record(record: ConsumerRecord, read_key: Converter, read_value: Converter) -> Record | None:
    try:
        key = read_key.decode(record.topic, record.key, ())
        value = read_value.decode(record.topic, record.value, ())
    except Exception:  # noqa: BLE001 - whatever it is, these bytes made it
        return None
    return Record(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        key_schema=key.schema,
        key=key.value,
        value_schema=value.schema,
        value=value.value,
    )


async def _first(
    topic: str, data: Sequence[bytes | None], candidates: Iterator[Options], *, is_key: bool
) -> Options | None:
    """The first converter that takes more than half of the data; None where there are no data, or no converter."""
    present = [each for each in data if each is not None]
    for options in candidates if present else ():
        converter = await _prepared(topic, present, options, is_key=is_key)
        if sum(_takes(converter, topic, each, is_key=is_key) for each in present) * 2 > len(present):
            return options
    return None


async def _prepared(topic: str, data: Sequence[bytes | None], options: Options, *, is_key: bool) -> Converter:
    own = {name: value for name, value in options.items() if name}
    converter = make_converter(ConverterConfig(class_name=options[""], options=own), is_key=is_key)
    if isinstance(converter, PreparingConverter):
        await converter.prepare(topic, data)
    return converter


def _takes(converter: Converter, topic: str, data: bytes, *, is_key: bool) -> bool:
    try:
        value = converter.decode(topic, data, ()).value
    except Exception:  # noqa: BLE001 - as above
        return False
    return is_key or value is None or isinstance(value, dict)


def _value_candidates(registry: str) -> Iterator[Options]:
    if registry:
        yield from ({"": name, "schema.registry.url": registry} for name in REGISTRY_CLASSES)
    yield {"": JSON_CONVERTER}
    yield {"": JSON_CONVERTER, "schemas.enable": "false"}


def _key_candidates(keys: Sequence[bytes | None], registry: str) -> Iterator[Options]:
    """A bare number or word is a text: PostgreSQL's column says what it is. An object, or a text in quotes, is JSON."""
    present = [key for key in keys if key is not None]
    if registry and _are_registered(present):
        yield from ({"": name, "schema.registry.url": registry} for name in REGISTRY_CLASSES)
    yield {"": JSON_CONVERTER}
    if all(key[:1] in {b"{", b'"'} for key in present):
        yield {"": JSON_CONVERTER, "schemas.enable": "false"}
    if all(map(_is_text, present)):
        yield {"": STORAGE}
    yield from ({"": name} for name in NUMBERS)
    yield {"": BYTES}


def _are_registered(data: Sequence[bytes | None]) -> bool:
    present = [each for each in data if each is not None]
    return bool(present) and all(map(has_id, present))


def _is_text(data: bytes) -> bool:
    try:
        return TEXT.fullmatch(data.decode()) is not None
    except UnicodeDecodeError:
        return False


def _unread(bad: int, count: int) -> Iterator[str]:
    if bad:
        yield f"{bad} of the {count} records that were looked at cannot be converted"


def _tried(report: Mapping[str, Any]) -> Iterator[str]:
    count = len(report["records"])
    yield f"tried with {count} records, nothing written: {report['row']} rows, {report['bad']} bad"
    for record in report["records"]:
        if record["result"] in WARNED and record.get("error"):
            yield f"  partition {record['partition']} offset {record['offset']}: {headline(record['error'])}"
    if report["stopped"]:
        yield f"the task would fail: {headline(report['stopped'])}"
