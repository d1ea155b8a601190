"""What became of records, in the traces that their `traceparent` headers name: for any topic, whoever wrote it.

A batch is a trace of its own, linked to those of its records; each recorded one of these has a span that leads to the
batch by a link and, for stores that keep no links, by the attribute `sink.batch.trace_id`.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from sink_connector import telemetry
from sink_connector.data.write_record import KafkaRecord
from sink_connector.dead_letters.dead_letter import DeadLetter
from sink_connector.sink.batch import Batch
from sink_connector.sink.table_writer import Written

MOST_LINKS = 128  # as many as the SDK keeps


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """How a batch was committed: seconds that it waited to be written and was written, and how often that failed."""

    connector: str
    task: int
    group: str
    waited_s: float
    wrote_s: float
    failures: int


@dataclass(frozen=True, slots=True)
class _Traced:
    trace: str
    topic: str
    partition: int
    offset: int
    table: str


def traceparent(headers: Sequence[tuple[str, bytes]]) -> str:
    """The `traceparent` of a record whose trace is recorded; empty for any other."""
    for name, value in headers:
        if name == "traceparent":
            found = (value or b"").decode("latin-1")
            return found if telemetry.is_sampled(found) else ""
    return ""


def record_batch(batch: Batch, written: Written, delivered: Delivered) -> str:
    """Tell of a batch that was committed just now; gives the `traceparent` of its own trace."""
    ended_ns = time.time_ns()
    writing_ns = ended_ns - round(delivered.wrote_s * 1e9)
    began_ns = writing_ns - round(max(0.0, delivered.waited_s) * 1e9)
    traced = list(_traced(batch))
    dead = {(each.source.topic, each.source.partition, each.source.offset): each for each in written.dead}
    told: dict[str, str | int] = {
        "sink.connector": delivered.connector,
        "messaging.consumer.group.name": delivered.group,
    }
    whole = telemetry.record(
        f"deliver {delivered.connector}",
        parent="",
        began_ns=began_ns,
        ended_ns=ended_ns,
        kind="consumer",
        links=[each.trace for each in islice(traced, MOST_LINKS)],
        attributes={
            **told,
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "deliver",
            "messaging.batch.message_count": batch.records,
            "sink.task": delivered.task,
            "sink.rows": written.rows,
            "sink.dead_letters": len(written.dead),
            "sink.failed_attempts": delivered.failures,
        },
    )
    telemetry.record(
        "write batch",
        parent=whole.traceparent,
        began_ns=writing_ns,
        ended_ns=ended_ns,
        kind="client",
        attributes={"db.system.name": "postgresql", "db.operation.batch.size": max(written.rows, 1)},
    )
    told |= {"sink.batch.trace_id": whole.traceparent[3:35], "sink.failed_attempts": delivered.failures}
    for each in traced:
        _record(each, dead.get((each.topic, each.partition, each.offset)), whole, (began_ns, ended_ns), told)
    return whole.traceparent


def _record(
    traced: _Traced,
    letter: DeadLetter | None,
    batch: telemetry.Span,
    times: tuple[int, int],
    told: dict[str, str | int],
) -> None:
    span = telemetry.begin(
        f"process {traced.topic}",
        parent=traced.trace,
        kind="consumer",
        at_ns=times[0],
        links=[batch.traceparent],
        attributes={
            **told,
            "messaging.system": "kafka",
            "messaging.operation.type": "process",
            "messaging.operation.name": "process",
            "messaging.destination.name": traced.topic,
            "messaging.destination.partition.id": str(traced.partition),
            "messaging.kafka.offset": traced.offset,
            **({"db.collection.name": traced.table} if traced.table else {}),
        },
    )
    if letter is not None:
        span.set({"sink.dead_letter.stage": letter.stage.value})
        span.fail(letter.error_class, letter.error)
    span.end(times[1])


def _traced(batch: Batch) -> Iterator[_Traced]:
    for (_, table), found in batch.entries.items():
        for (topic, partition), record in zip(found.partitions, found.records, strict=True):
            if trace := traceparent(record.headers):
                yield _Traced(trace, topic, partition, record.offset, str(table))
    for letter in batch.bad:
        source: KafkaRecord = letter.source
        if trace := traceparent(source.headers):
            yield _Traced(trace, letter.source.topic, letter.source.partition, source.offset, "")
