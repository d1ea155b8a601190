"""Who takes part, at which settings."""

from collections.abc import Mapping, Sequence

from benchmarks.sink.connect import TUNED, UNNEST, KafkaConnect
from benchmarks.sink.contestants import Contestant
from benchmarks.sink.limit import PostgresLimit
from benchmarks.sink.ours import OurSink

CONNECTIONS = (1, 2)
REWRITE = "?reWriteBatchedInserts=true"


def draining(groups: Sequence[str], extra: Mapping[str, str]) -> list[Contestant]:
    """Contestants for throughput, each with one and with two tasks; `extra` connector keys go to every sink."""
    ours: list[Contestant] = [OurSink(connections=n, settings=extra) for n in CONNECTIONS]
    connect: list[Contestant] = [
        KafkaConnect(label=label, connections=n, settings={**settings, **extra}, url_options=url_options)
        for label, settings, url_options in (
            ("defaults", {}, ""),
            ("tuned", TUNED, ""),
            ("tuned, driver rewrites batches", TUNED, REWRITE),
            ("tuned, unnest", UNNEST, ""),
        )
        for n in CONNECTIONS
    ]
    limit: list[Contestant] = [PostgresLimit(connections=n) for n in CONNECTIONS]
    return _chosen({"ours": ours, "connect": connect, "limit": limit}, groups)


def racing(groups: Sequence[str], extra: Mapping[str, str]) -> list[Contestant]:
    """Contestants for latency: the sinks, Kafka Connect at its defaults and at its fastest setting."""
    ours: list[Contestant] = [OurSink(connections=n, settings=extra) for n in CONNECTIONS]
    connect: list[Contestant] = [
        KafkaConnect(label="defaults", connections=1, settings=extra),
        KafkaConnect(label="defaults", connections=2, settings=extra),
        KafkaConnect(label="tuned, unnest", connections=1, settings={**UNNEST, **extra}),
    ]
    return _chosen({"ours": ours, "connect": connect}, groups)


def _chosen(cast: Mapping[str, list[Contestant]], groups: Sequence[str]) -> list[Contestant]:
    return [contestant for group in groups for contestant in cast.get(group, ())]
