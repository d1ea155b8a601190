"""Debezium's change events through our `ExtractNewRecordState`, beside what its own made of the same changes.

The recordings are `tests/contract/sink/change_events/*.json` (see `record_change_events.py` there).
"""

from base64 import b64encode
from typing import Any

import pytest

from sink_connector.data.record import Record
from sink_connector.transforms.change_events import UnwrapChangeEvent
from sink_connector.transforms.configuration import chain_of
from tests.support.change_events import NOTHING, SOURCES, recorded
from tests.support.connect_data import data_of, exactly

VOLATILE = {"ts_ms", "ts_us", "ts_ns", "__source_ts_ms"}


def _recordings() -> list[Any]:
    found = []
    for source in SOURCES:
        ways = recorded(source)["ways"]
        events = ways["envelope"]["records"]
        for way, each in ways.items():
            if each["config"].get("transforms"):
                found.append(pytest.param(each["config"], events, each["records"], id=f"{source}: {way}"))
    return found


def _record(recorded: dict[str, Any]) -> Record:
    key_schema, key = data_of(recorded["key"] or NOTHING)
    value_schema, value = data_of(recorded["value"] or NOTHING)
    return Record(
        topic=recorded["topic"], partition=0, offset=0, timestamp=0,
        key_schema=key_schema, key=key, value_schema=value_schema, value=value, headers=(),
    )  # fmt: skip


def _by_topic(records: list[Record]) -> dict[tuple[str, str | None], list[Any]]:
    """By topic and source table: between the tables that are routed to one topic there is no order."""
    found: dict[tuple[str, str | None], list[Any]] = {}
    for record in records:
        value = record.value
        if isinstance(value, dict):
            value = {name: each for name, each in value.items() if name not in VOLATILE}
        schema = None if value is None else record.value_schema  # a deletion's envelope may keep its schema
        sides = (record.key_schema, exactly(record.key), schema, exactly(value))
        table = None if record.key_schema is None else record.key_schema.name
        places = found.setdefault((record.topic, table), [])
        if value is not None or sides not in places[-1:]:  # a tombstone again says nothing new
            places.append(sides)
    return found


@pytest.mark.parametrize(("config", "events", "expected"), _recordings())
def test_an_event_becomes_what_debezium_makes_of_it(
    config: dict[str, str], events: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    chain = chain_of(config)
    ours = [made for event in events if (made := chain.apply(_record(event))) is not None]
    theirs = [_record(each) for each in expected]
    assert _by_topic(ours) == _by_topic(theirs)


@pytest.mark.parametrize(("config", "events", "expected"), _recordings())
def test_headers_are_added_as_debezium_adds_them(
    config: dict[str, str], events: list[dict[str, Any]], expected: list[dict[str, Any]]
) -> None:
    chain = chain_of(config)
    ours = [made for event in events if (made := chain.apply(_record(event))) is not None]
    names = {header.key for record in ours for header in record.headers}
    theirs = {name for record in expected for name, _ in record["headers"]}
    assert names == {name for name in theirs if not name.startswith("__debezium.")}  # the source's own


UNKNOWN = "__debezium_unavailable_value"


@pytest.mark.parametrize(
    "unknown",
    [
        UNKNOWN,
        f'{{"{UNKNOWN}":"{UNKNOWN}"}}',
        UNKNOWN.encode(),
        [UNKNOWN],
        list(UNKNOWN.encode()),
        {UNKNOWN: UNKNOWN},
        b64encode(UNKNOWN.encode()).decode(),
        [b64encode(UNKNOWN.encode()).decode()],
        [UNKNOWN.encode()],
        ["b68a35a7-17ad-35b3-af2a-ae46edb4545a"],
    ],
)
@pytest.mark.parametrize(
    "unwrap",
    [
        UnwrapChangeEvent(),
        chain_of({"transforms": "u", "transforms.u.type": "io.debezium.transforms.ExtractNewRecordState"}),
    ],
)
def test_a_column_that_the_source_does_not_know_is_left_out(unknown: Any, unwrap: Any) -> None:
    row = {"id": 1, "long": unknown, "text": f"{UNKNOWN}s"}
    event = {"op": "u", "before": None, "after": row, "source": {}}
    record = Record(topic="t", partition=0, offset=0, timestamp=0, key_schema=None, key=None, value_schema=None, value=event, headers=())  # fmt: skip
    made = unwrap.apply(record)
    assert made is not None
    assert made.value == {"id": 1, "text": f"{UNKNOWN}s"}
