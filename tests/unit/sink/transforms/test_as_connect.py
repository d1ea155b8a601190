"""Every recorded case of Kafka Connect's own transforms, through ours (see tests/contract/sink/record_transforms.py)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sink_connector.data.record import Record
from sink_connector.errors import BadRecordError, ConfigError, Stage
from sink_connector.transforms.configuration import chain_of
from tests.contract.sink.transform_cases.change_events import OPTIONS as EXTRACT_OPTIONS
from tests.support.connect_data import exactly, record_of

RECORDED = sorted((Path(__file__).parents[3] / "contract" / "sink" / "transforms").glob("*.json"))

# Where ours does something else on purpose: what comes out, and why.
JULIAN = "before 15 October 1582 Java counts by the Julian calendar; ours goes on with PostgreSQL's"
FAR_AWAY = "PostgreSQL knows later years, Python's dates do not"
TOO_LATE = "found when the connector is configured, not record by record"
SCALE = "Connect's replacement has a scale of its own and is refused by the schema; numeric takes any"
# Of a tombstone on its own; what compaction leaves of a deletion has to delete, too.
KEPT = {
    ("ExtractNewRecordState", f"tombstone, tombstone {options}"): (
        "record",
        "a tombstone deletes, be there an event before it or none",
    )
    for options in EXTRACT_OPTIONS
    if "route.by.field" not in options
}
UNDROPPED = str(next(each for each in EXTRACT_OPTIONS if "drop.fields.from.key" in each))
DROPPING = str(next(each for each in EXTRACT_OPTIONS if "drop.fields.header.name" in each))
DIFFERENT: dict[tuple[str, str], tuple[str, str]] = {
    **KEPT,
    ("ExtractNewRecordState", f"tombstone, rewrite-with-tombstone {UNDROPPED}"): (
        "record",
        "a tombstone has the key of the rows that it deletes",
    ),
    ("ExtractNewRecordState", f"d, delete-to-tombstone {DROPPING}"): (
        "record",
        "Debezium's own fails over its null",
    ),
    ("ExtractNewRecordState", "an event without a schema"): ("record", "it is unwrapped all the same"),
    ("Cast", "spec ':int8'"): ("config_error", "a field without a name is a mistake"),
    ("ExtractField", " of a struct by v2"): ("config_error", TOO_LATE),
    ("ExtractField", " of a map by v2"): ("config_error", TOO_LATE),
    ("MaskField", "d by None"): ("record", SCALE),
    ("MaskField", "d by 12"): ("record", SCALE),
    ("MaskField", "d by 1.5"): ("record", SCALE),
    ("MaskField", "d by 1000"): ("record", SCALE),
    ("RegexRouter", "[a-z&&[^o]]+ by x"): ("config_error", "Python has no intersections of classes"),
    ("RegexRouter", "[[:alpha:]]+ by x"): ("config_error", "Python has no classes inside of classes"),
    ("ReplaceField", "{'exclude': 'id', 'renames': 'id:name'}, key"): (
        "record",
        "a field that is dropped renames nothing",
    ),
    ("ReplaceField", "{'exclude': 'id', 'renames': 'id:name'}, value"): (
        "record",
        "a field that is dropped renames nothing",
    ),
    ("ReplaceField", "renames :id"): ("config_error", TOO_LATE),
    ("TimestampConverter", "1709210096789 seconds to Timestamp"): ("error", FAR_AWAY),
    ("TimestampConverter", "10000-01-01 by yyyy-MM-dd"): ("error", FAR_AWAY),
    ("TimestampConverter", "-5 by yyyy"): ("error", FAR_AWAY),
    ("TimestampConverter", "0044-03-15 BC by yyyy-MM-dd G"): ("error", FAR_AWAY),
    ("TimestampConverter", "24-02-29 by yyyy-MM-dd"): ("record", JULIAN),
    ("TimestampRouter", "{'timestamp.format': 'bogus'}"): ("config_error", TOO_LATE),
}


def cases(file: Path) -> Iterator[tuple[dict[str, Any], tuple[str, str] | None]]:
    """What was recorded of one transform, each with the difference that is meant."""
    for case in json.loads(file.read_text(encoding="utf-8")):
        yield case, DIFFERENT.get((file.stem, case["name"]))


def outcome(case: dict[str, Any]) -> tuple[str, Any]:
    try:
        chain = chain_of(case["config"])
    except ConfigError as error:
        return "config_error", str(error)
    try:
        record = chain.apply(record_of(case["record"]))
    except BadRecordError as error:
        return ("error" if error.stage is Stage.TRANSFORMATION else "an error of another stage"), str(error)
    return ("dropped", None) if record is None else ("record", record)


@pytest.mark.parametrize("file", RECORDED, ids=lambda file: file.stem)
def test_a_transform_makes_of_a_record_what_connect_makes_of_it(file: Path) -> None:
    wrong = {}
    for number, (case, different) in enumerate(cases(file)):
        if said := mistake(case, different):
            wrong[f"{number}-{case['name']}"] = said
    assert wrong == {}


def test_every_difference_that_is_meant_was_recorded() -> None:
    recorded = [(file.stem, case["name"]) for file in RECORDED for case, _ in cases(file)]
    assert len(recorded) > 1_500
    assert DIFFERENT.keys() <= {*recorded}


def mistake(case: dict[str, Any], different: tuple[str, str] | None) -> str:
    """What is wrong with what comes out of ours; nothing where it is what Connect makes, or what is meant instead."""
    kind, ours = outcome(case)
    theirs = case["result"]
    is_same = kind in theirs and (kind != "record" or same(ours, theirs["record"]))
    if different is None:
        return "" if is_same else f"ours: {kind} {ours}; Connect: {theirs}"
    if kind != different[0]:
        return f"ours: {kind} {ours}; meant: {different[0]}"
    return "no difference: strike it from the list" if is_same else ""


def same(ours: Record, recorded: dict[str, Any]) -> bool:
    return parts(ours) == parts(record_of(recorded))


def parts(record: Record) -> tuple[Any, ...]:
    headers = [(each.key, each.schema, exactly(each.value)) for each in record.headers]
    sides = (record.key_schema, exactly(record.key), record.value_schema, exactly(record.value))
    return record.topic, record.partition, record.offset, record.timestamp, *sides, headers
