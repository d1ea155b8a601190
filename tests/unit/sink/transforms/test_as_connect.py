"""Every recorded case of Kafka Connect's own transforms, through ours (see tests/contract/sink/record_transforms.py)."""

import json
from pathlib import Path
from typing import Any

import pytest

from sink_connector.data.record import Record
from sink_connector.errors import BadRecordError, ConfigError, Stage
from sink_connector.transforms.configuration import chain_of
from tests.support.connect_data import exactly, record_of

RECORDINGS = Path(__file__).parents[3] / "contract" / "sink" / "transforms"

# Where ours does something else on purpose: what comes out, and why.
JULIAN = "before 15 October 1582 Java counts by the Julian calendar; ours goes on with PostgreSQL's"
FAR_AWAY = "PostgreSQL knows later years, Python's dates do not"
TOO_LATE = "found when the connector is configured, not record by record"
SCALE = "Connect's replacement has a scale of its own and is refused by the schema; numeric takes any"
DIFFERENT = {
    ("Cast", "spec ':int8'"): ("config_error", "a field without a name is a mistake"),
    ("ExtractField", " of a struct by v2"): ("config_error", TOO_LATE),
    ("ExtractField", " of a map by v2"): ("config_error", TOO_LATE),
    ("MaskField", "d by None"): ("record", SCALE),
    ("MaskField", "d by 12"): ("record", SCALE),
    ("MaskField", "d by 1.5"): ("record", SCALE),
    ("MaskField", "d by 1000"): ("record", SCALE),
    ("RegexRouter", "[a-z&&[^o]]+ by x"): ("config_error", "Python has no intersections of classes"),
    ("RegexRouter", "[[:alpha:]]+ by x"): ("config_error", "Python has no classes inside of classes"),
    ("RegexRouter", "orders{ by x"): ("record", "Python takes a brace that opens nothing for itself"),
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


def cases() -> list[Any]:
    found = []
    for file in sorted(RECORDINGS.glob("*.json")):
        for number, case in enumerate(json.loads(file.read_text(encoding="utf-8"))):
            expected = DIFFERENT.get((file.stem, case["name"]))
            found.append(pytest.param(case, expected, id=f"{file.stem}-{number}-{case['name']}"))
    return found


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


@pytest.mark.parametrize(("case", "different"), cases())
def test_a_transform_makes_of_a_record_what_connect_makes_of_it(
    case: dict[str, Any], different: tuple[str, str] | None
) -> None:
    kind, ours = outcome(case)
    theirs = case["result"]
    if different is not None:
        assert kind == different[0], f"ours: {ours}"
        assert kind not in theirs or not same(ours, theirs["record"]), (
            "no difference: strike it from the list"
        )
        return
    assert kind in theirs, f"ours: {kind} {ours}; Connect: {theirs}"
    if kind == "record":
        assert same(ours, theirs["record"]), f"ours: {ours}; Connect: {theirs}"


def same(ours: Record, recorded: dict[str, Any]) -> bool:
    return parts(ours) == parts(record_of(recorded))


def parts(record: Record) -> tuple[Any, ...]:
    headers = [(each.key, each.schema, exactly(each.value)) for each in record.headers]
    sides = (record.key_schema, exactly(record.key), record.value_schema, exactly(record.value))
    return record.topic, record.partition, record.offset, record.timestamp, *sides, headers
