"""`--observe`: which parts it adds, what these watch, and what it asks of the others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from auditor import metrics
from auditor.report import Report
from demo import observers
from demo.audit_metrics import serving_audit
from demo.home import Home
from demo.stack import Stack
from demo.stack_graph import graph_of
from demo.supervisor.graph import Service
from devservers import zipkin
from devservers.ports import Ports, free_ports
from tests.support.directories import open_directory

WATCHED = {"order-1", "order-2", "order-3", "catalog", "sink"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    monkeypatch.setattr(zipkin, "resolve", lambda: tmp_path / "zipkin.jar")
    with open_directory() as short:  # a path of pytest's may be too long for a socket in it
        home = Home(short / "demo")
        home.make()
        yield home


async def services(home: Home, *, observe: bool, secure: bool = False) -> dict[str, Service]:
    stack = Stack.of(
        home=home, ports=Ports(offset=7), brokers=1, classpath="", observe=observe, secure=secure
    )
    async with httpx.AsyncClient() as http:
        return {service.name: service for service in graph_of(stack, http).services}


async def test_without_it_no_part_is_asked_for_traces_and_none_is_added(home: Home) -> None:
    found = await services(home, observe=False)
    assert not {"zipkin", "prometheus"} & found.keys()
    asked = [name for service in found.values() for name in service.env]
    assert not [name for name in asked if name.startswith("OTEL_") or name == "CATALOG_TRACE_URL"]


async def test_with_it_every_part_sends_its_traces_under_its_name_to_a_store_on_loopback(home: Home) -> None:
    found = await services(home, observe=True)
    sending = {name: service for name, service in found.items() if "OTEL_TRACES_EXPORTER" in service.env}
    assert sending.keys() == WATCHED
    for name, service in sending.items():
        assert service.env["OTEL_SERVICE_NAME"] == name
        assert service.env["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] == "http://127.0.0.1:9418/api/v2/spans"
    leading = {name for name, service in found.items() if "CATALOG_TRACE_URL" in service.env}
    assert leading == {"catalog"}
    assert found["catalog"].env["CATALOG_TRACE_URL"] == "http://127.0.0.1:9418/zipkin/traces/{trace_id}"
    assert "--armeria.ports[0].address=127.0.0.1" in found["zipkin"].command
    assert "--armeria.ports[0].port=9418" in found["zipkin"].command


async def test_prometheus_asks_every_part_by_its_name_and_has_the_rules(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "prometheus_program", lambda: "/usr/bin/prometheus")
    found = await services(home, observe=True)
    assert f"--web.listen-address=127.0.0.1:{9090 + 7}" in found["prometheus"].command
    config = json.loads((home.data / "prometheus" / "prometheus.yml").read_text())
    named = {
        group["labels"]["instance"]: (job["job_name"], group["targets"])
        for job in config["scrape_configs"]
        for group in job["static_configs"]
    }
    assert named.keys() == WATCHED | {"audit"}
    assert named["order-2"] == ("order", ["127.0.0.1:8009"])
    assert named["audit"] == ("audit", ["127.0.0.1:9102"])
    assert "--enable-feature=exemplar-storage" in found["prometheus"].command
    assert config["rule_files"] == [str(observers.RULES)]


async def test_a_machine_without_prometheus_has_traces_all_the_same(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "prometheus_program", lambda: None)
    found = await services(home, observe=True)
    assert "zipkin" in found
    assert "prometheus" not in found


async def test_prometheus_is_let_in_by_a_secure_stack_and_its_file_is_its_own(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "prometheus_program", lambda: "/usr/bin/prometheus")
    await services(home, observe=True, secure=True)
    jobs = private_config(home)
    assert {name: job["scheme"] for name, job in jobs.items()} == {
        "order": "https", "catalog": "https", "sink": "https", "audit": "http",
    }  # fmt: skip
    for name in ("order", "catalog"):
        assert is_private(Path(jobs[name]["authorization"]["credentials_file"]))
    assert jobs["sink"]["basic_auth"]["username"] == "operator"
    authority = {"ca_file": str(home.secrets / "tls" / "ca.pem")}
    assert [jobs[name]["tls_config"] for name in ("order", "catalog", "sink")] == [authority] * 3


def private_config(home: Home) -> dict[str, dict[str, Any]]:
    """The jobs of Prometheus' configuration, which nobody else may read."""
    file = home.data / "prometheus" / "prometheus.yml"
    assert is_private(file)
    return {job["job_name"]: job for job in json.loads(file.read_text())["scrape_configs"]}


def is_private(file: Path) -> bool:
    return file.stat().st_mode & 0o077 == 0


def test_what_the_last_audit_found_is_served_from_its_file_and_nothing_before_the_first(home: Home) -> None:
    (port,) = free_ports(1)
    file = observers.Observers(home=home, ports=Ports()).audit_file

    def told() -> str:
        return httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).raise_for_status().text

    with serving_audit(file, port=port):
        assert "audit" not in told()
        metrics.write(file, None, clock=lambda: 1.5)
        assert {"audit_complete 0.0", "audit_ended_timestamp_seconds 1.5"} <= {*told().splitlines()}
        assert "audit_violations" not in told()
        metrics.write(file, Report(counts={}, findings=(), asked=1))
        assert {"audit_complete 1.0", "audit_violations 0.0"} <= {*told().splitlines()}
    with pytest.raises(httpx.ConnectError):
        told()
