"""Connectors as the group's log tells them; the entries are Kafka Connect's."""

from sink_connector.cluster.config_store import ConfigStore, Restart, TargetState
from sink_connector.cluster.keyed_log import LocalLog, LogEntry, Value

LEFT_BY_CONNECT: list[tuple[str, Value]] = [
    ("session-key", {"key": "…", "algorithm": "HmacSHA256", "creation-timestamp": 1}),
    ("connector-orders", {"properties": {"name": "orders", "topics": "a"}}),
    ("task-orders-0", {"properties": {"task.class": "x"}}),
    ("commit-orders", {"tasks": 1}),
    ("target-state-orders", {"state": "PAUSED", "state.v2": "STOPPED"}),
]


def of_connect() -> ConfigStore:
    """What a Connect cluster leaves in its topic for one stopped connector."""
    configs = ConfigStore()
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


async def test_what_is_written_comes_back_and_events_are_told_once() -> None:
    configs, told = ConfigStore(), list[Restart]()
    configs.log = LocalLog(configs.apply)
    configs.listeners.restart = told.append
    await configs.put("a-1", {"topics": "x"}, target=TargetState.PAUSED)
    await configs.restart(Restart(connector="a-1", include_tasks=True))
    await configs.restart(Restart(connector="a-1", task=3))
    assert [(each.name, each.target) for each in configs.all()] == [("a-1", TargetState.PAUSED)]
    assert told == [Restart(connector="a-1", include_tasks=True), Restart(connector="a-1", task=3)]
