"""Metrics of the group of workers, in Prometheus' own registry."""

from prometheus_client import Counter

ENTRIES_SKIPPED = Counter(
    "sink_log_entries_skipped_total",
    "Entries of the workers' storage topics that could not be understood",
    ("topic",),
)
