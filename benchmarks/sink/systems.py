"""Who takes part, at which settings."""

from collections.abc import Mapping, Sequence

from benchmarks.sink.connect import TUNED, UNNEST, KafkaConnect
from benchmarks.sink.limit import PostgresLimit
from benchmarks.sink.ours import OurSink
from benchmarks.sink.system import System

CONNECTIONS = (1, 2)
REWRITE = "?reWriteBatchedInserts=true"


def for_throughput(groups: Sequence[str], extra: Mapping[str, str]) -> list[System]:
    """Systems for throughput, each with one and with two tasks; `extra` connector keys go to every sink."""
    ours: list[System] = [OurSink(connections=n, settings=extra) for n in CONNECTIONS]
    connect: list[System] = [
        KafkaConnect(label=label, connections=n, settings={**settings, **extra}, url_options=url_options)
        for label, settings, url_options in (
            ("defaults", {}, ""),
            ("tuned", TUNED, ""),
            ("tuned, driver rewrites batches", TUNED, REWRITE),
            ("tuned, unnest", UNNEST, ""),
        )
        for n in CONNECTIONS
    ]
    limit: list[System] = [PostgresLimit(connections=n) for n in CONNECTIONS]
    return _chosen({"ours": ours, "connect": connect, "limit": limit}, groups)


def for_latency(groups: Sequence[str], extra: Mapping[str, str]) -> list[System]:
    """Systems for latency: the sinks, Kafka Connect at its defaults and at its fastest setting."""
    ours: list[System] = [OurSink(connections=n, settings=extra) for n in CONNECTIONS]
    connect: list[System] = [
        KafkaConnect(label="defaults", connections=1, settings=extra),
        KafkaConnect(label="defaults", connections=2, settings=extra),
        KafkaConnect(label="tuned, unnest", connections=1, settings={**UNNEST, **extra}),
    ]
    return _chosen({"ours": ours, "connect": connect}, groups)


def _chosen(systems: Mapping[str, list[System]], groups: Sequence[str]) -> list[System]:
    return [system for group in groups for system in systems.get(group, ())]
