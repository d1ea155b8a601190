"""`--observe`: which parts it adds, what these watch, and what it asks of the others."""

import json
from pathlib import Path

import httpx
import pytest

from demo import observers
from demo.home import Home
from demo.stack import Stack
from demo.stack_graph import graph_of
from demo.supervisor.graph import Service
from devservers import zipkin
from devservers.ports import Ports

WATCHED = {"order-1", "order-2", "order-3", "catalog", "sink"}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setattr(zipkin, "resolve", lambda: tmp_path / "zipkin.jar")
    home = Home(tmp_path / "demo")
    home.make()
    return home


async def services(home: Home, *, observe: bool) -> dict[str, Service]:
    stack = Stack.of(home=home, ports=Ports(offset=7), brokers=1, classpath="", observe=observe)
    async with httpx.AsyncClient() as http:
        return {service.name: service for service in graph_of(stack, http).services}


async def test_without_it_no_part_is_asked_for_traces_and_none_is_added(home: Home) -> None:
    found = await services(home, observe=False)
    assert not {"zipkin", "prometheus"} & found.keys()
    assert not [name for service in found.values() for name in service.env if name.startswith("OTEL_")]


async def test_with_it_every_part_sends_its_traces_under_its_name_to_a_store_on_loopback(home: Home) -> None:
    found = await services(home, observe=True)
    sending = {name: service for name, service in found.items() if "OTEL_TRACES_EXPORTER" in service.env}
    assert sending.keys() == WATCHED
    for name, service in sending.items():
        assert service.env["OTEL_SERVICE_NAME"] == name
        assert service.env["OTEL_EXPORTER_ZIPKIN_ENDPOINT"] == "http://127.0.0.1:9418/api/v2/spans"
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
    assert named.keys() == WATCHED
    assert named["order-2"] == ("order", ["127.0.0.1:8009"])
    assert config["rule_files"] == [str(observers.RULES)]


async def test_a_machine_without_prometheus_has_traces_all_the_same(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observers, "prometheus_program", lambda: None)
    found = await services(home, observe=True)
    assert "zipkin" in found
    assert "prometheus" not in found
