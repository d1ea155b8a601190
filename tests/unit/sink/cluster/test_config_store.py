"""Connectors as the group's log tells them; the entries are Kafka Connect's."""

import asyncio
import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sink_connector.cluster.change_signal import ChangeSignal
from sink_connector.cluster.config_store import ConfigStore, Restart, TargetState
from sink_connector.cluster.keyed_log import LocalLog, LogEntry, MalformedEntryError, Value
from sink_connector.cluster.status_store import StatusStore

LEFT_BY_CONNECT: list[tuple[str, Value]] = [
    ("session-key", {"key": "…", "algorithm": "HmacSHA256", "creation-timestamp": 1}),
    ("connector-orders", {"properties": {"name": "orders", "topics": "a"}}),
    ("task-orders-0", {"properties": {"task.class": "x"}}),
    ("commit-orders", {"tasks": 1}),
    ("target-state-orders", {"state": "PAUSED", "state.v2": "STOPPED"}),
]


def of_connect() -> ConfigStore:
    """What a Connect cluster leaves in its topic for one stopped connector."""
    configs = ConfigStore(LocalLog(), ChangeSignal())
    for offset, (key, value) in enumerate(LEFT_BY_CONNECT):
        configs.apply(LogEntry(key, value, offset))
    return configs


def test_the_connectors_of_a_connect_cluster_are_taken_over() -> None:
    definition = of_connect().get("orders")
    assert definition is not None
    assert (definition.config, definition.target, definition.tasks) == (
        {"name": "orders", "topics": "a"},
        TargetState.STOPPED,
        1,
    )


def test_a_removed_connector_leaves_nothing_to_one_of_the_same_name() -> None:
    configs = of_connect()
    configs.apply(LogEntry("connector-orders", None, 10))
    configs.apply(LogEntry("connector-orders", {"properties": {}}, 11))
    definition = configs.get("orders")
    assert definition is not None
    assert (definition.target, definition.tasks) == (TargetState.STARTED, 0)


async def test_tasks_that_connect_left_of_a_connector_that_is_gone_are_not_a_new_ones() -> None:
    """It takes back a configuration, but not how many tasks there were, which then outlives it in a compacted topic."""
    log = LocalLog()
    configs = ConfigStore(log, ChangeSignal())
    await configs.open()
    await log.write("commit-orders", {"tasks": 3})
    assert configs.names == []
    await configs.put("orders", {"topics": "a"}, target=TargetState.PAUSED)
    spec = configs.get("orders")
    assert spec is not None
    assert (spec.target, spec.tasks) == (TargetState.PAUSED, 0)
    await configs.commit_tasks("orders", 2)
    await configs.put("orders", {"topics": "b"})
    again = configs.get("orders")
    assert again is not None
    assert again.tasks == 2


async def test_what_is_written_comes_back_and_events_are_taken_once() -> None:
    configs = ConfigStore(LocalLog(), ChangeSignal())
    await configs.open()
    await configs.put("a-1", {"topics": "x"}, target=TargetState.PAUSED)
    await configs.restart(Restart(connector="a-1", include_tasks=True))
    await configs.restart(Restart(connector="a-1", task=3))
    assert [(each.name, each.target) for each in configs.all()] == [("a-1", TargetState.PAUSED)]
    assert configs.take_restarts() == [
        Restart(connector="a-1", include_tasks=True),
        Restart(connector="a-1", task=3),
    ]
    assert configs.take_restarts() == []


def test_an_event_that_was_there_before_is_over() -> None:
    configs = of_connect()
    configs.apply(LogEntry("restart-connector-orders", {"include-tasks": True, "only-failed": False}, 12))
    assert configs.take_restarts() == []


MALFORMED: list[tuple[str, object]] = [
    ("connector-orders", {"properties": 5}),
    ("connector-orders", {"properties": {"topics": 5}}),
    ("connector-orders", {"properties": [["topics", "a"]]}),
    ("connector-orders", {}),
    ("connector-orders", 5),
    ("connector-orders", []),
    ("connector-orders", "text"),
    ("target-state-orders", {"state": "FLYING"}),
    ("target-state-orders", {"state": []}),
    ("target-state-orders", {}),
    ("commit-orders", {"tasks": -1}),
    ("commit-orders", {"tasks": True}),
    ("commit-orders", {"tasks": 10**12}),
    ("commit-orders", {"tasks": "1"}),
    ("restart-connector-orders", {"include-tasks": 1, "only-failed": None}),
    ("restart-connector-orders", {}),
    ("restart-task-orders-x", {}),
    ("restart-task-", {}),
]


@pytest.mark.parametrize(("key", "value"), MALFORMED)
async def test_an_entry_that_is_none_of_connects_changes_nothing(key: str, value: Any) -> None:
    configs = ConfigStore(LocalLog(), ChangeSignal())
    await configs.open()
    for offset, (known, entry) in enumerate(LEFT_BY_CONNECT):
        configs.apply(LogEntry(known, entry, offset))
    before = configs.get("orders")
    with pytest.raises(MalformedEntryError):
        configs.apply(LogEntry(key, value, 50))
    assert configs.get("orders") == before
    assert configs.take_restarts() == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["STARTED", "RUNNING"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(["properties", "state", "state.v2", "tasks", "worker_id", "generation", "trace", "level"])
        | st.text(max_size=5),
        inner,
        max_size=5,
    ),
    max_leaves=8,
)  # fmt: skip
KEYS = st.builds(
    str.__add__,
    st.sampled_from(
        [
            "connector-", "target-state-", "commit-", "restart-connector-", "restart-task-", "logger-cluster-",
            "status-connector-", "status-task-", "status-topic-", "",
        ]
    ),
    st.text(max_size=6) | st.sampled_from(["c", "c-0", "c--1", "c-²", "t:connector-c"]),
)  # fmt: skip


@given(entries=st.lists(st.tuples(KEYS, JSON), max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_entry_is_taken_in_or_refused_and_leaves_the_stores_usable(
    entries: list[tuple[str, Any]],
) -> None:
    signal = ChangeSignal()
    configs, statuses = ConfigStore(LocalLog(), signal), StatusStore(LocalLog(), signal)
    asyncio.run(configs.open())
    for offset, (key, value) in enumerate(entries):
        for store in (configs, statuses):
            with contextlib.suppress(MalformedEntryError):
                store.apply(LogEntry(key, value, offset))
    for spec in configs.all():
        assert all(isinstance(each, str | None) for each in spec.config.values())
        assert 0 <= spec.tasks <= 1_000
        statuses.of(spec.name)
    for status in (*statuses.connectors.values(), *statuses.tasks.values()):
        assert isinstance(status.as_value()["worker_id"], str)
    configs.apply(LogEntry("connector-good", {"properties": {"topics": "a"}}, 99))
    assert configs.get("good") is not None
