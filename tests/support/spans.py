"""What a part records of its work, read in the test's own process."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.openmetrics.parser import text_string_to_metric_families

OPENMETRICS = "application/openmetrics-text; version=1.0.0"
REQUEST = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
UNRECORDED = f"{REQUEST[:-2]}00"


class Recorded:
    """The spans that have ended so far."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()

    @property
    def spans(self) -> tuple[ReadableSpan, ...]:
        """In the order of their ends."""
        return self.exporter.get_finished_spans()

    def tree(self) -> set[tuple[str, str | None]]:
        """Each span's name with its parent's; one whose parent is elsewhere has that one's id in hexadecimal."""
        names = {span.context.span_id: span.name for span in self.spans if span.context}
        return {
            (
                span.name,
                None
                if span.parent is None
                else names.get(span.parent.span_id, f"{span.parent.span_id:016x}"),
            )
            for span in self.spans
        }

    def named(self, name: str) -> ReadableSpan:
        """The one span of that name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found


@contextmanager
def recording(telemetry: ModuleType) -> Iterator[Recorded]:
    """Record the spans of a deployable, whose module `telemetry` this is."""
    recorded = Recorded()
    telemetry.record_to("test", "", [SimpleSpanProcessor(recorded.exporter)])
    try:
        yield recorded
    finally:
        telemetry.stop()


def exemplars(exposition: str, histogram: str, **labels: str) -> set[str]:
    """The trace ids that a histogram's buckets name, in OpenMetrics' text."""
    return {
        sample.exemplar.labels["trace_id"]
        for family in text_string_to_metric_families(exposition)  # type: ignore[no-untyped-call]
        for sample in family.samples
        if sample.name == f"{histogram}_bucket"
        and sample.exemplar
        and labels.items() <= sample.labels.items()
    }


def openmetrics(registry: CollectorRegistry = REGISTRY) -> str:
    """What a scrape that accepts OpenMetrics gets."""
    encode, _ = choose_encoder(OPENMETRICS)
    return encode(registry).decode()
