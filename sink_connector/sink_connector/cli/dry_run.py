"""`sink-connector try FILE.json`: what a connector would do with some records, without writing anything."""

# ruff: noqa: T201 - it speaks to a person

import argparse
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from aiokafka import ConsumerRecord, TopicPartition
from asyncpg import ForeignKeyViolationError

from sink_connector.cli.looking import look
from sink_connector.cli.topic_reader import Extent, TopicReader, shares, topic_reader
from sink_connector.cli.trial import Fate, Result, Trial, trial
from sink_connector.cli.values import indented, plain, shortened, text_of
from sink_connector.config.connector import ConnectorConfig
from sink_connector.config.file import read_connector_file
from sink_connector.errors import ConfigError, SinkError, headline
from sink_connector.runtime.connector_definition import ConnectorDefinition
from sink_connector.runtime.subscription import Subscription

MOST_RECORDS = 100_000
PLACE = re.compile(r"(?:([^:]+):)?(\d+):(\d+)")
WAITED_FOR = "a run would wait for the missing row first, as max.retries, retry.backoff.ms and errors.retry.timeout say"


def run(options: argparse.Namespace) -> int:
    """0 when nothing is bad, 1 when a record is or the task would fail. Raises `ConfigError` and `SinkError`."""
    if not 1 <= options.records <= MOST_RECORDS:
        raise ConfigError({"--records": [f"is {options.records}, it must be 1 to {MOST_RECORDS}"]})
    report = look(
        read_connector_file(options.file),
        lambda definition: try_records(definition, options.begin, options.records),
    )
    print(indented(report) if options.json else _text(report))
    return 1 if report["bad"] or report["stopped"] else 0


async def try_records(definition: ConnectorDefinition, begin: str, most: int) -> dict[str, Any]:
    """What a connector would do with at most so many records, from a place on.

    Raises `ConfigError` for a place that is none, `SinkError`, and what the drivers raise when a server is away.
    """
    async with topic_reader(definition.consumer) as reader:
        spans = await _spans(definition.config, reader, begin, most)
        records = await reader.read(spans, _shares(spans, begin, most))
    async with trial(definition) as tried:
        fates = await tried.write(records) if records else []
    return _report(tried, fates, spans)


async def _spans(
    config: ConnectorConfig, reader: TopicReader, begin: str, most: int
) -> dict[TopicPartition, Extent]:
    """Which offsets are to be read of which partitions. Raises `ConfigError` for a place that is none."""
    subscription = Subscription(topics=config.topics, pattern=config.topics_regex)
    existing = sorted(each for each in await reader.partitions() if subscription.has(each.topic))
    if not existing:
        named = ", ".join(config.topics) or f"that matches {config.resolved.get('topics.regex', '')}"
        raise SinkError(f"there is no topic {named}")
    if begin not in {"earliest", "latest"}:
        asked = _places(begin, existing)
        return {
            partition: _from(partition, extent, asked[partition])
            for partition, extent in (await reader.extents(list(asked))).items()
        }
    extents = await reader.extents(existing)
    if begin == "earliest":
        return extents
    taken = shares(extents, most)
    return {each: Extent(extent.end - taken[each], extent.end) for each, extent in extents.items()}


def _shares(spans: Mapping[TopicPartition, Extent], begin: str, most: int) -> dict[TopicPartition, int]:
    if begin == "latest":  # shared out already; what compaction has removed is not made up for
        return {partition: span.end - span.first for partition, span in spans.items()}
    return shares(spans, most)


def _places(begin: str, existing: Sequence[TopicPartition]) -> dict[TopicPartition, int]:
    topics = {each.topic for each in existing}
    found = {}
    for written in begin.split(","):
        match = PLACE.fullmatch(written.strip())
        if match is None:
            raise ConfigError(
                {"--from": [f"is {begin!r}; it is earliest, latest, or a list of [topic:]partition:offset"]}
            )
        topic = match[1] or (next(iter(topics)) if len(topics) == 1 else "")
        partition = TopicPartition(topic, int(match[2]))
        if not topic:
            raise ConfigError({"--from": [f"is {begin!r}; with several topics each place names its own"]})
        if partition not in existing:
            raise ConfigError({"--from": [f"names {topic}:{match[2]}, which the connector does not read"]})
        found[partition] = int(match[3])
    return found


def _from(partition: TopicPartition, extent: Extent, offset: int) -> Extent:
    if not extent.first <= offset <= extent.end:
        place = f"{partition.topic}:{partition.partition}"
        raise ConfigError(
            {"--from": [f"names offset {offset} of {place}, which has {extent.first} to {extent.end - 1}"]}
        )
    return Extent(offset, extent.end)


def _report(tried: Trial, fates: Sequence[Fate], spans: Mapping[TopicPartition, Extent]) -> dict[str, Any]:
    counts = Counter(fate.result for fate in fates)
    statements = [each.query for each in tried.statements if each.exception is None]
    return {
        "connector": tried.name,
        "read": [
            {"topic": each.topic, "partition": each.partition, "from": span.first, "end": span.end}
            for each, span in sorted(spans.items())
        ],
        "makes_schema_sink": tried.makes_schema,
        "ddl": list(dict.fromkeys(filter(_is_ddl, statements))),
        "records": [fate_as_json(fate) for fate in fates],
        **{result.value: counts[result] for result in Result},
        "rows_written": tried.rows,
        "stopped": tried.stopped,
        "stops_at_a_bad_record": not _is_tolerant(tried),
        "sequences": [
            {"name": name, "was": was, "is": now} for name, (was, now) in sorted(tried.advanced.items())
        ],
    }


def _is_tolerant(tried: Trial) -> bool:
    return tried.config.resolved.get("errors.tolerance", "none").strip().lower() == "all"


def _is_ddl(statement: str) -> bool:
    return statement.startswith(('CREATE TABLE IF NOT EXISTS "', 'ALTER TABLE "'))


def fate_as_json(fate: Fate) -> dict[str, Any]:
    """What becomes of a record, as JSON has it."""
    record = fate.record
    found: dict[str, Any] = {**_place(record), "result": fate.result.value}
    if fate.row is not None:
        row = fate.row
        found |= {"table": row.table, "mode": row.mode, "key": row.key, "columns": row.columns}
        wrong = {cell.column: cell.error for cell in row.cells if cell.error}
        found |= {"refused_columns": wrong} if wrong else {}
        found |= {"afterwards": dict(row.afterwards)} if row.afterwards else {}
        found |= {"not_there_afterwards": True} if row.is_missing else {}
    if fate.letter is not None:
        letter = fate.letter
        found |= {"stage": letter.stage.value, "error_class": letter.error_class, "error": letter.error}
        if letter.error_class == ForeignKeyViolationError.__name__:
            found["note"] = WAITED_FOR
    if fate.superseded_by is not None:
        partition, offset = fate.superseded_by
        found["superseded_by"] = {"partition": partition, "offset": offset}
    return found | ({"note": fate.note} if fate.note else {})


def _place(record: ConsumerRecord) -> dict[str, Any]:
    at = datetime.fromtimestamp(record.timestamp / 1000, UTC) if record.timestamp >= 0 else None
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": plain(at),
    }


def _text(report: Mapping[str, Any]) -> str:
    lines = [f"connector {report['connector']}: nothing is written, all of this is rolled back", ""]
    if report["makes_schema_sink"]:
        lines += ["DDL   the schema sink and its tables, as `sink-connector init` makes them"]
    lines += [f"DDL   {statement}" for statement in report["ddl"]]
    for record in report["records"]:
        lines += record_as_text(record)
    lines += ["", _summary(report)]
    if report["stopped"]:
        lines.append(f"The task would fail: {report['stopped']}")
    elif report["bad"]:
        lines.append(
            "A run would stop at the first bad record (errors.tolerance=none)."
            if report["stops_at_a_bad_record"]
            else "A run would set the bad ones aside in sink.dead_letters (errors.tolerance=all)."
        )
    for each in report["sequences"]:
        lines.append(
            f"Sequence {each['name']} went on from {each['was']} to {each['is']}: no rollback takes that back."
        )
    return "\n".join(lines)


def record_as_text(record: Mapping[str, Any]) -> list[str]:
    """What becomes of a record, in lines."""
    lines = [_headline(record)]
    if record["result"] in {"bad", "untried"} and "table" in record:
        lines.append(f"{record['mode']} {record['table']}{_key(record)}")
    if record["result"] in {"row", "bad"} and record.get("mode") != "delete":
        refused = record.get("refused_columns", {})
        lines += [
            f"{name} = {text_of(value)}"
            for name, value in record.get("columns", {}).items()
            if name not in refused
        ]
        lines += [f"{name} refuses the value: {shortened(reason)}" for name, reason in refused.items()]
    if "afterwards" in record:
        lines.append(f"afterwards the row has {text_of(record['afterwards'])}")
    if "not_there_afterwards" in record:
        lines.append("afterwards no such row is there")
    if "superseded_by" in record:
        later = record["superseded_by"]
        lines.append(f"a later record of this row counts: {later['partition']}/{later['offset']}")
    if "note" in record:
        lines.append(record["note"])
    return [lines[0], *(f"        {line}" for line in lines[1:])]


def _headline(record: Mapping[str, Any]) -> str:
    place = f"{record['topic']}/{record['partition']}/{record['offset']}"
    match record["result"]:
        case "bad":
            return f"BAD   {place}  {record['stage']}: {shortened(headline(record['error']))}"
        case "skipped":
            return f"skip  {place}  a null value, and delete.enabled is false"
        case "dropped":
            return f"drop  {place}  by a transform"
        case "untried":
            return f"      {place}  not tried"
    done = f"{record['mode']} {record['table']}{_key(record)}" if "table" in record else NO_TABLE
    return f"row   {place}  {done}"


def _key(record: Mapping[str, Any]) -> str:
    return f"  key {text_of(record['key'])}" if record["key"] else ""


def _summary(report: Mapping[str, Any]) -> str:
    counts = [f"{report[each]} {word}" for each, word in WORDS.items() if report[each]]
    total = len(report["records"])
    reduced = f" ({report['rows_written']} after reduction)" if report["rows_written"] < report["row"] else ""
    rest = f": {', '.join(counts)}".replace(WORDS["row"], WORDS["row"] + reduced) if counts else ""
    return f"{total} record{'' if total == 1 else 's'}{rest}."


NO_TABLE = "nothing to delete: the table is not there"
WORDS = {
    "row": "to be written",
    "bad": "bad",
    "skipped": "skipped",
    "dropped": "dropped",
    "untried": "not tried",
}
assert set(WORDS) == {result.value for result in Result}  # noqa: S101 - one word for each
