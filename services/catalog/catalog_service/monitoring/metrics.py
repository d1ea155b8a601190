"""What the catalog counts and measures, in a registry of its own: a process may hold several catalogs.

Every metric is `catalog_<what>_<base unit>`; docs/metrics.md lists them.
"""

from collections.abc import Callable
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from catalog_service import telemetry
from catalog_service.certificates import EXPIRY_TEXT, Files, watch
from catalog_service.monitoring.latency import LEGS, LatencyBreakdown
from catalog_service.monitoring.sync_status import SyncStatus

_MS = 1000
NO_FILES: Files = MappingProxyType({})


class Metrics:
    """The metrics of one catalog."""

    def __init__(self, *, certificates: Files = NO_FILES) -> None:
        """All of them are there from the beginning, without values where nothing has happened.

        `certificates` are the files with certificates, as `certificates.watch` takes them.
        """
        self.registry = CollectorRegistry()
        self.requests = Histogram(
            "catalog_http_request_seconds",
            "Time to the first byte of an answer, 5xx of defects included",
            ["method", "route", "status"],
            registry=self.registry,
            buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )
        self._unreadable = Counter(
            "catalog_unreadable_records_total",
            "Records of Kafka that were passed over, or shown without their type, because they could not be read",
            ["topic", "reason"],
            registry=self.registry,
        )
        legs = Histogram(
            "catalog_leg_seconds",
            "Time of a change in each leg of its way: relay, kafka, take, apply; total is from commit to visible",
            ["leg"],
            registry=self.registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300),
        )
        self._legs = {leg: legs.labels(leg) for leg in LEGS}
        self._lag = self._gauge("catalog_sync_lag_seconds", "Upper bound of the read model's age")
        self._streams = self._gauge("catalog_streams", "Open streams")
        self._waiters = self._gauge("catalog_waiters", "Queries that wait for a consistency token")
        self._dead_letters = self._gauge("catalog_dead_letters", "Dead letters in the read database")
        self._oldest = self._gauge(
            "catalog_oldest_dead_letter_seconds", "Age of the oldest dead letter; 0 when there is none"
        )
        self._parts = self._gauge(
            "catalog_part_up",
            "1 when a part says that it is well, 0 when it is degraded, unready or away, as the catalog sees it",
            "part",
        )
        expiry = self._gauge("catalog_certificate_expiry_timestamp_seconds", EXPIRY_TEXT, "setting")
        watch(expiry, certificates)

    def unreadable(self, topic: str, reason: str) -> None:
        """A record could not be read."""
        self._unreadable.labels(topic, reason).inc()

    def visible(self, made: LatencyBreakdown, trace: str) -> None:
        """A change became visible; `trace` is its `traceparent`, empty when its trace is not recorded."""
        exemplar = telemetry.exemplar(trace)
        for leg, seconds in self._legs.items():
            ms: int | None = getattr(made, leg)
            if ms is not None:
                seconds.observe(ms / _MS, exemplar)

    def watch(
        self, *, lag_ms: Callable[[], int], streams: Callable[[], int], waiters: Callable[[], int]
    ) -> None:
        """Ask these whenever the metrics are read."""
        self._lag.set_function(lambda: lag_ms() / _MS)
        self._streams.set_function(streams)
        self._waiters.set_function(waiters)

    def reported(self, report: SyncStatus) -> None:
        """What a report says of dead letters and parts; a part that is gone from it is gone here."""
        self._dead_letters.set(report.dead_letters)
        oldest = report.oldest_dead_letter_ms
        self._oldest.set(0 if oldest is None else max(0, report.at_ms - oldest) / _MS)
        self._parts.clear()
        for part in report.parts:
            self._parts.labels(part.name).set(part.state == "up")

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)
