"""The compose file, read as YAML: bounds on every container, and who is in a network with whom."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.yaml_text import one_document

REPOSITORY = Path(__file__).parents[3]
COMPOSE = one_document((REPOSITORY / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
INSTANCES = ("order-1", "order-2", "order-3")


def networks(service: str) -> set[str]:
    return set(SERVICES[service].get("networks", ()))


@pytest.mark.parametrize("service", SERVICES)
def test_every_container_is_bounded(service: str) -> None:
    container = SERVICES[service]
    assert container["mem_limit"]
    assert 0 < container["pids_limit"] <= 512
    assert 0 < container["cpus"] <= 1  # more than a machine has would be refused
    assert container["logging"] == {"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}}


@pytest.mark.parametrize("instance", INSTANCES)
def test_an_instance_shares_no_network_with_the_sink_and_the_read_database(instance: str) -> None:
    for other in ("sink", "read-db", "connectors", "migrate-read"):
        assert networks(instance) & networks(other) == set(), other
    assert networks(instance) & networks("kafka-1")
    assert networks(instance) & networks("catalog") == {"orders"}


def test_the_sink_s_rest_is_reached_by_who_needs_it() -> None:
    there = {service for service in SERVICES if "sink" in networks(service)}
    assert there == {"sink", "catalog", "connectors"}


def test_who_publishes_no_port_stands_in_no_network_that_leads_out() -> None:
    for name, network in COMPOSE["networks"].items():
        closed = network.get("internal") or (
            network["driver_opts"]["com.docker.network.bridge.enable_ip_masquerade"] == "false"
        )
        assert closed, name
    assert all(COMPOSE["networks"][f"order-{n}"]["internal"] for n in (1, 2, 3))


def test_the_seed_is_part_of_the_image_of_the_order_service() -> None:
    seed = SERVICES["seed"]
    assert "volumes" not in seed
    assert "environment" not in seed
    dockerfile = (REPOSITORY / "services" / "order" / "Dockerfile").read_text()
    assert "infra/docker/seed.py infra/docker/products.json" in dockerfile
