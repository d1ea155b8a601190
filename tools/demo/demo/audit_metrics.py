"""What `./demo audit` found last, served for the Prometheus of an observed stack."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry, Metric, start_http_server
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from devservers.ports import HOST


@contextmanager
def serving_audit(file: Path, *, port: int) -> Iterator[None]:
    """Serve the metrics that the auditor left in `file`, none before the first. Raises `OSError` for a port that is taken."""
    registry = CollectorRegistry()
    registry.register(_AuditResult(file))
    server, thread = start_http_server(port, addr=HOST, registry=registry)
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(frozen=True, slots=True)
class _AuditResult(Collector):
    file: Path

    def collect(self) -> Iterator[Metric]:
        if self.file.exists():
            yield from text_string_to_metric_families(self.file.read_text(encoding="utf-8"))
