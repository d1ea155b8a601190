"""Who takes part, at which settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.sink.connect import TUNED, UNNEST, KafkaConnect
from benchmarks.sink.limit import PostgresLimit
from benchmarks.sink.ours import OurSink
from benchmarks.sink.peers.bento import Bento
from benchmarks.sink.peers.faucet import Faucet
from benchmarks.sink.peers.quix import Quix
from benchmarks.sink.system import System

CONNECTIONS = (1, 2)
BATCHES = (1_000, 5_000)
REWRITE = "?reWriteBatchedInserts=true"
CONNECT_SETTINGS: Sequence[tuple[str, Mapping[str, str], str]] = (
    ("defaults", {}, ""),
    ("tuned", TUNED, ""),
    ("tuned, driver rewrites batches", TUNED, REWRITE),
    ("tuned, unnest", UNNEST, ""),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Participants:
    """The groups that were asked for; `programs` has the peers that could be built, `extra` keys for JDBC sinks and ours."""

    groups: Sequence[str]
    extra: Mapping[str, str] = field(default_factory=dict)
    programs: Mapping[str, Path] = field(default_factory=dict)

    def for_throughput(self) -> list[System]:
        """Every system at every setting that is tried."""
        return self._chosen(
            {
                "ours": self._ours,
                "connect": lambda: [
                    KafkaConnect(
                        label=label,
                        connections=n,
                        settings={**settings, **self.extra},
                        url_options=options,
                    )
                    for label, settings, options in CONNECT_SETTINGS
                    for n in CONNECTIONS
                ],
                "faucet": lambda: [Faucet(program=self.programs["faucet"], batch=batch) for batch in BATCHES],
                "quix": lambda: [
                    Quix(program=self.programs["quix"], batch=batch, connections=n)
                    for batch in BATCHES
                    for n in CONNECTIONS
                ],
                "bento": lambda: [
                    Bento(program=self.programs["bento"], batch=batch, connections=n)
                    for batch in BATCHES
                    for n in CONNECTIONS
                ],
                "limit": lambda: [PostgresLimit(connections=n) for n in CONNECTIONS],
            }
        )

    def for_latency(self) -> list[System]:
        """The JDBC sink at its defaults and at its fastest setting, and ours."""
        return self._chosen(
            {
                "ours": self._ours,
                "connect": lambda: [
                    KafkaConnect(label="defaults", connections=1, settings=self.extra),
                    KafkaConnect(label="defaults", connections=2, settings=self.extra),
                    KafkaConnect(label="tuned, unnest", connections=1, settings={**UNNEST, **self.extra}),
                ],
            }
        )

    def for_kills(self) -> list[System]:
        """One worker of each. Kafka Connect twice: what it writes again depends on how often it commits its offsets."""
        return self._chosen(
            {
                "ours": lambda: [OurSink(settings=self.extra)],
                "connect": lambda: [
                    KafkaConnect(
                        label=f"tuned, offsets every {seconds} s",
                        settings={**TUNED, "consumer.override.session.timeout.ms": "10000", **self.extra},
                        flush_ms=seconds * 1_000,
                    )
                    for seconds in (60, 1)
                ],
                "faucet": lambda: [Faucet(program=self.programs["faucet"], batch=BATCHES[0])],
                "quix": lambda: [Quix(program=self.programs["quix"], batch=BATCHES[0])],
                "bento": lambda: [Bento(program=self.programs["bento"], batch=BATCHES[0])],
            }
        )

    def _ours(self) -> list[System]:
        return [OurSink(connections=n, settings=self.extra) for n in CONNECTIONS]

    def _chosen(self, systems: Mapping[str, Callable[[], list[System]]]) -> list[System]:
        available = {"ours", "connect", "limit", *self.programs}
        return [
            system
            for group in self.groups
            if group in systems and group in available
            for system in systems[group]()
        ]
