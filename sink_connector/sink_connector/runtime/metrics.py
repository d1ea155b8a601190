"""The worker's metrics, in Prometheus' own registry; every name begins with `sink_`."""

from prometheus_client import Counter, Gauge, Histogram

from sink_connector import telemetry
from sink_connector.certificates import EXPIRY_TEXT
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.sink.batch import Batch
from sink_connector.sink.buffer import MOST_BYTES

LABELS = ("connector", "task")

RECORDS = Counter(
    "sink_records_total",
    "Records read from Kafka and committed to the database or to the dead letters",
    LABELS,
)
ROWS = Counter(
    "sink_rows_total", "Rows written: the last states of keys, after reduction of the batch", LABELS
)
BYTES = Counter("sink_bytes_total", "Bytes of keys, values and headers, as they were in Kafka", LABELS)
BATCHES = Counter("sink_batches_total", "Committed transactions", LABELS)
DEAD_LETTERS = Counter(
    "sink_dead_letters_total", "Dead letters, by the stage that refused them", (*LABELS, "stage")
)
DEAD_LETTERS_NOT_SENT = Counter(
    "sink_dead_letters_not_sent_total",
    "Dead letters that are in the table and not in the dead-letter topic, by reason",
    (*LABELS, "reason"),
)
RETRIES = Counter("sink_retries_total", "Transactions tried again after a failure of the database", LABELS)
ISOLATIONS = Counter(
    "sink_isolations_total", "Batches repeated record by record because one was refused", LABELS
)
HALVINGS = Counter("sink_halvings_total", "Batches written in halves because they took too long", LABELS)
REBALANCES = Counter("sink_rebalances_total", "Assignments received from the consumer group", LABELS)
FENCED = Counter(
    "sink_fenced_total", "Batches the database refused because another writer had taken over", LABELS
)
LAG = Gauge(
    "sink_lag_records", "Records behind the end of the partition", ("connector", "topic", "partition")
)
LAG_SECONDS = Gauge(
    "sink_lag_seconds",
    "How long ago the partition's end was where this connector has come to; 0 when it is at the end",
    ("connector", "topic", "partition"),
)
BUFFER_RECORDS = Gauge("sink_buffer_records", "Records read and not yet being written", LABELS)
BUFFER_BYTES = Gauge(
    "sink_buffer_bytes", f"Bytes of these records; {MOST_BYTES} of a batch begin the next one", LABELS
)
CERTIFICATE_EXPIRY = Gauge("sink_certificate_expiry_timestamp_seconds", EXPIRY_TEXT, ["setting"])
STAGE_SECONDS = Histogram(
    "sink_stage_seconds",
    "Time a batch spends in a stage: write (until committed)",
    (*LABELS, "stage"),
    buckets=(0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)


class TaskMetrics:
    """The metrics of one task, found once."""

    def __init__(self, connector: str, task: int) -> None:
        self._labels = connector, str(task)
        self.retries, self.isolations, self.halvings, self.rebalances, self.fenced = (
            metric.labels(*self._labels) for metric in (RETRIES, ISOLATIONS, HALVINGS, REBALANCES, FENCED)
        )
        self._records, self._bytes, self._rows, self._batches = (
            metric.labels(*self._labels) for metric in (RECORDS, BYTES, ROWS, BATCHES)
        )
        self._buffer_records, self._buffer_bytes = (
            metric.labels(*self._labels) for metric in (BUFFER_RECORDS, BUFFER_BYTES)
        )
        self._write_seconds = STAGE_SECONDS.labels(*self._labels, "write")

    def committed(self, batch: Batch, *, rows: int, seconds: float, trace: str = "") -> None:
        """A batch is in the database; `seconds` is how long it took to get there, `trace` the `traceparent` of its trace."""
        self._records.inc(batch.records)
        self._bytes.inc(batch.size)
        self._rows.inc(rows)
        self._batches.inc()
        self._write_seconds.observe(seconds, telemetry.exemplar(trace))

    def buffered(self, records: int, size: int) -> None:
        """So many records, of so many bytes, wait to be written."""
        self._buffer_records.set(records)
        self._buffer_bytes.set(size)

    def dead_letter(self, letter: DeadLetter) -> None:
        """A dead letter was committed."""
        DEAD_LETTERS.labels(*self._labels, letter.stage.value).inc()

    def not_sent(self, reason: str, count: int) -> None:
        """Dead letters will not be in the topic."""
        DEAD_LETTERS_NOT_SENT.labels(*self._labels, reason).inc(count)
