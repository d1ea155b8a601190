"""The worker's metrics, in Prometheus' own registry; every name begins with `sink_`."""

from prometheus_client import Counter, Gauge, Histogram

LABELS = ("connector", "task")

RECORDS = Counter(
    "sink_records_total", "Records read from Kafka and committed to the database or parked", LABELS
)
ROWS = Counter(
    "sink_rows_total", "Rows written: the last states of keys, after compaction of the batch", LABELS
)
BYTES = Counter("sink_bytes_total", "Bytes of keys and values, as they were in Kafka", LABELS)
BATCHES = Counter("sink_batches_total", "Committed transactions", LABELS)
DEAD_LETTERS = Counter(
    "sink_dead_letters_total", "Records parked, by the stage that refused them", (*LABELS, "stage")
)
RETRIES = Counter("sink_retries_total", "Transactions tried again after a failure of the database", LABELS)
ISOLATIONS = Counter(
    "sink_isolations_total", "Batches repeated record by record because one was refused", LABELS
)
REBALANCES = Counter("sink_rebalances_total", "Assignments received from the consumer group", LABELS)
FENCED = Counter(
    "sink_fenced_total", "Batches the database refused because another writer had taken over", LABELS
)
LAG = Gauge(
    "sink_lag_records", "Records behind the end of the partition", ("connector", "topic", "partition")
)
STAGE_SECONDS = Histogram(
    "sink_stage_seconds",
    "Time a batch spends in each stage: convert (processor time), write (until committed)",
    (*LABELS, "stage"),
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)
