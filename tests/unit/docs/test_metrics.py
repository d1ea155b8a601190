"""docs/metrics.md lists the metrics that there are, and these keep to one naming scheme."""

import re

import pytest

from tests.support.metrics import DOCUMENT, Metric, all_metrics, document

BOUNDED = frozenset(
    {
        "connector",
        "leg",
        "method",
        "part",
        "partition",
        "reason",
        "route",
        "setting",
        "stage",
        "status",
        "task",
        "topic",
    }
)
METRICS = all_metrics()


def test_the_table_is_what_the_parts_have() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    assert document(text) == text, "run `.venv/bin/python -m tests.support.metrics`"


def test_what_is_said_before_the_table_names_metrics_that_there_are() -> None:
    said = re.findall(r"`((?:audit|order|catalog|sink)_\w+)`", DOCUMENT.read_text(encoding="utf-8"))
    assert {*said} == {metric.name for metric in METRICS}


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_a_name_has_its_part_and_a_base_unit_and_its_labels_are_bounded(metric: Metric) -> None:
    assert metric.part in {"audit", "order", "catalog", "sink"}
    assert not re.search(r"_(ms|millis|us|kb|mb)\b", metric.name)
    assert metric.name.endswith("_total") == (metric.type == "counter")
    assert {*metric.labels} <= BOUNDED
    assert metric.text
    assert not metric.text.endswith(".")
