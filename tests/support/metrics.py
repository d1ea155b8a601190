"""Every metric of every part, as docs/metrics.md lists them: `python -m tests.support.metrics` writes the table."""

import pkgutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.metrics import MetricWrapperBase

import order_service
import sink_connector
from auditor.metrics import registry_of
from auditor.report import Report
from catalog_service.monitoring.metrics import Metrics

DOCUMENT = Path(__file__).parents[2] / "docs" / "metrics.md"
BEGIN, END = "<!-- metrics: generated -->\n", "<!-- end of metrics -->\n"
UNITS = ("seconds", "bytes")
_NOT_IMPORTED = ("__main__", ".migrations.")


@dataclass(frozen=True, slots=True, order=True)
class Metric:
    """A metric as a query names it; a histogram's samples have its name with `_bucket`, `_sum` and `_count`."""

    name: str
    type: str
    labels: tuple[str, ...]
    text: str

    @property
    def part(self) -> str:
        """Which deployable has it."""
        return self.name.partition("_")[0]

    @property
    def unit(self) -> str:
        """Its base unit; empty for a number of things."""
        words = self.name.removesuffix("_total").split("_")
        return words[-1] if words[-1] in UNITS else ""

    @property
    def samples(self) -> frozenset[str]:
        """The names that queries may use."""
        suffixes = ("_bucket", "_sum", "_count") if self.type == "histogram" else ("",)
        return frozenset(self.name + suffix for suffix in suffixes)


def all_metrics() -> list[Metric]:
    """Of all parts, by name."""
    for package in (order_service, sink_connector):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not any(part in module.name for part in _NOT_IMPORTED):
                import_module(module.name)
    audited = registry_of(Report(counts={}, findings=(), asked=0), at=0.0)
    return sorted({*_of(REGISTRY), *_of(Metrics().registry), *_of(audited)})


def _of(registry: CollectorRegistry) -> list[Metric]:
    found = []
    for collector in registry._collector_to_names:  # noqa: SLF001 - the registry has no other list of what is in it
        if isinstance(collector, MetricWrapperBase):
            (described,) = collector.describe()
            total = "_total" if described.type == "counter" else ""
            labels = tuple(collector._labelnames)  # noqa: SLF001 - a family without samples tells no labels
            found.append(Metric(described.name + total, described.type, labels, described.documentation))
    return found


def table() -> str:
    """The table of all metrics, as Markdown."""
    rows = ["| metric | type | labels | unit | meaning |", "|---|---|---|---|---|"]
    for each in all_metrics():
        labels = ", ".join(f"`{label}`" for label in each.labels)
        rows.append(f"| `{each.name}` | {each.type} | {labels} | {each.unit} | {each.text} |")
    return "\n".join(rows) + "\n"


def document(text: str) -> str:
    """The document with the table as it is now."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}{table()}{END}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
