"""infra/docker/observe.yml, read as YAML: the observers are bounded like all others, and see what they are to see."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.compose import merged_services
from tests.support.yaml_text import one_document

REPOSITORY = Path(__file__).parents[3]
FILE: dict[str, Any] = one_document((REPOSITORY / "infra/docker/observe.yml").read_text())
SERVICES: dict[str, Any] = FILE["services"]
STACK: dict[str, Any] = one_document((REPOSITORY / "docker-compose.yml").read_text())["services"]
OBSERVERS = ("jaeger", "prometheus", "grafana", "audit")
PARTS = {"order-1", "order-2", "order-3", "sink", "catalog"}


@pytest.mark.parametrize("name", OBSERVERS)
def test_an_observer_is_bounded_and_published_on_loopback_alone(name: str) -> None:
    container = SERVICES[name]
    assert container["mem_limit"]
    assert 0 < container["pids_limit"] <= 512
    assert 0 < container["cpus"] <= 1
    assert container["read_only"]
    assert container["cap_drop"] == ["ALL"]
    assert container["logging"]["options"] == {"max-size": "10m", "max-file": "3"}
    assert all(port.startswith("127.0.0.1:") for port in container.get("ports", ()))
    assert not container["image"].endswith("latest")


def test_every_part_sends_its_traces_to_a_store_that_it_reaches() -> None:
    traced = SERVICES.keys() - {*OBSERVERS}
    assert traced == PARTS
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
    assert targets == PARTS | {"audit"}
    for name in targets:
        assert networks(name) & networks("prometheus"), name
    assert config["rule_files"] == ["rules.yml"]


def test_the_audit_reaches_every_side_and_is_reached_by_prometheus_alone() -> None:
    for side in ("order-1-db", "order-2-db", "order-3-db", "read-db", "kafka-1", "kafka-2", "kafka-3"):
        assert networks(side) & networks("audit"), side
    assert {name for name in STACK | SERVICES if "audit" in networks(name)} == {"audit", "prometheus"}
    assert FILE["networks"]["audit"]["internal"]
    assert "ports" not in SERVICES["audit"]


def test_what_is_mounted_is_there_as_compose_finds_it() -> None:
    merged = merged_services("docker-compose.yml", "infra/docker/observe.yml")
    mounted = [
        Path(volume["source"])
        for name in OBSERVERS
        for volume in merged[name].get("volumes", ())
        if volume["type"] == "bind"
    ]
    assert len(mounted) == 5
    assert [file for file in mounted if REPOSITORY not in file.parents or not file.exists()] == []


def networks(name: str) -> set[str]:
    """Those that a service has in either file."""
    return {network for file in (STACK, SERVICES) for network in file.get(name, {}).get("networks", ())}


def test_the_page_leads_to_jaeger_where_a_browser_on_this_machine_reaches_it() -> None:
    (published,) = SERVICES["jaeger"]["ports"]
    port = published.removeprefix("127.0.0.1:").rpartition(":")[0]
    assert SERVICES["catalog"]["environment"]["CATALOG_TRACE_URL"] == (
        f"http://localhost:{port}/trace/{{trace_id}}"
    )
