"""infra/docker/observe.yml, read as YAML: the observers are bounded like all others, and see what they are to see."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.yaml_text import one_document

REPOSITORY = Path(__file__).parents[3]
SERVICES: dict[str, Any] = one_document((REPOSITORY / "infra/docker/observe.yml").read_text())["services"]
STACK: dict[str, Any] = one_document((REPOSITORY / "docker-compose.yml").read_text())["services"]
OBSERVERS = ("jaeger", "prometheus", "grafana")


@pytest.mark.parametrize("name", OBSERVERS)
def test_an_observer_is_bounded_and_published_on_loopback_alone(name: str) -> None:
    container = SERVICES[name]
    assert container["mem_limit"]
    assert 0 < container["pids_limit"] <= 512
    assert 0 < container["cpus"] <= 1
    assert container["read_only"]
    assert container["cap_drop"] == ["ALL"]
    assert container["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert all(port.startswith("127.0.0.1:") for port in container["ports"])
    assert not container["image"].endswith("latest")


def test_every_part_sends_its_traces_to_a_store_that_it_reaches() -> None:
    traced = SERVICES.keys() - {*OBSERVERS}
    assert traced == {"order-1", "order-2", "order-3", "sink", "catalog"}
    for name in traced:
        assert SERVICES[name]["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://jaeger:4318"
        assert {*STACK[name]["networks"]} & {*SERVICES["jaeger"]["networks"]}, name


def test_prometheus_asks_every_part_and_has_the_rules() -> None:
    config = one_document((REPOSITORY / "infra/observability/prometheus.yml").read_text())
    targets = {
        target.partition(":")[0]
        for job in config["scrape_configs"]
        for group in job.get("static_configs", ())
        for target in group["targets"]
    } | {
        name
        for job in config["scrape_configs"]
        for each in job.get("dns_sd_configs", ())
        for name in each["names"]
    }
    assert targets == {"order-1", "order-2", "order-3", "sink", "catalog"}
    for name in targets:
        assert {*STACK[name]["networks"]} & {*SERVICES["prometheus"]["networks"]}, name
    assert config["rule_files"] == ["rules.yml"]
    files = [volume.split(":")[0] for volume in SERVICES["prometheus"]["volumes"]]
    for file in files + [volume.split(":")[0] for volume in SERVICES["grafana"]["volumes"]]:
        assert (REPOSITORY / "infra/docker" / file).exists(), file


def test_the_page_leads_to_jaeger_where_a_browser_on_this_machine_reaches_it() -> None:
    (published,) = SERVICES["jaeger"]["ports"]
    port = published.removeprefix("127.0.0.1:").rpartition(":")[0]
    assert SERVICES["catalog"]["environment"]["CATALOG_TRACE_URL"] == (
        f"http://localhost:{port}/trace/{{trace_id}}"
    )
