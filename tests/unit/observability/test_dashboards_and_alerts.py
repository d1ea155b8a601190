"""Dashboards and alerts ask for metrics that there are; each alert fires on its fault and says what to do."""

import importlib.util
import json
import re
import shutil
import subprocess
from inspect import signature
from pathlib import Path
from typing import Any

import pytest

from order_service.service_layer.message_bus import MessageBus
from order_service.settings import Settings as OrderSettings
from tests.support.metrics import all_metrics
from tests.support.yaml_text import one_document

REPOSITORY = Path(__file__).parents[3]
FOLDER = REPOSITORY / "infra" / "observability"
RULES: list[dict[str, Any]] = one_document((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]
DASHBOARDS = sorted((FOLDER / "grafana" / "dashboards").glob("*.json"))
METRICS = {sample: metric for metric in all_metrics() for sample in metric.samples}
NAME = re.compile(r"\b(?:audit|order|catalog|sink)_[a-z_]+\b")
PROMTOOL = shutil.which("promtool")


def queries(dashboard: Path) -> list[str]:
    panels = json.loads(dashboard.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel["targets"]]


def test_the_dashboards_are_what_their_lists_say() -> None:
    spec = importlib.util.spec_from_file_location("dashboards", FOLDER / "dashboards.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    found = {path: path.read_text() for path in DASHBOARDS}
    assert found == made.files(), "run `python infra/observability/dashboards.py`"


@pytest.mark.parametrize("dashboard", DASHBOARDS, ids=lambda path: path.stem)
def test_a_dashboard_asks_for_metrics_and_labels_that_there_are(dashboard: Path) -> None:
    asked = queries(dashboard)
    assert asked
    for query in asked:
        assert_known(query)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_asks_for_metrics_and_labels_that_there_are(rule: dict[str, Any]) -> None:
    assert_known(rule["expr"])


def test_every_metric_of_a_queue_or_a_failure_is_on_a_dashboard() -> None:
    shown = {
        METRICS[name].name for path in DASHBOARDS for query in queries(path) for name in NAME.findall(query)
    }
    assert {metric.name for metric in METRICS.values()} - shown == set()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_has_a_paragraph_that_says_what_to_do(rule: dict[str, Any]) -> None:
    document, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert anchor == rule["alert"].lower()
    text = (REPOSITORY / document).read_text()
    (paragraph,) = re.findall(rf"^## {rule['alert']}\n(.+?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert len(paragraph.split()) > 20


def test_the_runbook_has_no_paragraph_about_an_alert_that_is_gone() -> None:
    titles = re.findall(r"^## (\w+)$", (REPOSITORY / "docs/runbooks/alerts.md").read_text(), re.MULTILINE)
    assert titles == [rule["alert"] for rule in RULES]


@pytest.mark.skipif(PROMTOOL is None, reason="promtool, of Debian's package prometheus, is not installed")
@pytest.mark.parametrize("command", [("check", "rules", "rules.yml"), ("test", "rules", "rules.test.yml")])
def test_promtool_finds_each_alert_on_its_fault_and_none_without(command: tuple[str, ...]) -> None:
    done = subprocess.run([str(PROMTOOL), *command], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tested = {
        case["alertname"]
        for test in one_document((FOLDER / "rules.test.yml").read_text())["tests"]
        for case in test["alert_rule_test"]
        if "exp_alerts" in case
    }
    assert tested == {rule["alert"] for rule in RULES}


def test_commands_alone_can_bring_about_what_commits_waiting_is_about() -> None:
    """More than these are not admitted, and one group of them is being committed."""
    (limit,) = [int(rule["expr"].split()[-1]) for rule in RULES if rule["alert"] == "CommitsWaiting"]
    admitted = OrderSettings.model_fields["commands_at_once"].default
    group = signature(MessageBus).parameters["group_limit"].default
    assert 2 * group <= limit + group < admitted


def assert_known(query: str) -> None:
    """Every metric of the query exists, and every label it selects or groups by is one of theirs or Prometheus' own."""
    names = NAME.findall(query)
    assert {*names} <= METRICS.keys(), query
    labels = {"le", "job", "instance", "__name__"} | {
        label for name in names for label in METRICS[name].labels
    }
    grouped = {label for group in re.findall(r"by \(([^)]*)\)", query) for label in re.split(r",\s*", group)}
    selected = {*re.findall(r"([a-z_]+)\s*=~?\"", query)}
    assert grouped | selected <= labels, query
