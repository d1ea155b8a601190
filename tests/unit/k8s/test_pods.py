"""What the pods are told, the programs in them understand; and no pod may do more than it has to."""

import re
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from catalog_service.http.health import health_routes
from catalog_service.settings import MigrationSettings
from catalog_service.settings import Settings as CatalogSettings
from order_service.entrypoints.http.health import health_router
from order_service.settings import Settings as OrderSettings
from sink_connector.config.worker import read_worker
from tests.support.manifests import Manifest, containers, one

CONNECTORS = Path(__file__).parents[3] / "infra" / "connectors"
FIELDS = {"metadata.name": "order-2", "status.podIP": "10.0.0.7"}  # what Kubernetes would put there


def container(manifests: list[Manifest], name: str) -> Manifest:
    (found,) = (c for m in manifests for c in containers(m) if c["name"] == name)
    return found


def environment(manifests: list[Manifest], of: Manifest) -> dict[str, str]:
    """The variables that a container finds, as the kubelet makes them."""
    made: dict[str, str] = {}
    for variable in of["env"]:
        source = variable.get("valueFrom", {})
        if "fieldRef" in source:
            value = FIELDS[source["fieldRef"]["fieldPath"]]
        elif "configMapKeyRef" in source:
            reference = source["configMapKeyRef"]
            value = one(manifests, "ConfigMap", reference["name"])["data"][reference["key"]]
        elif "secretKeyRef" in source:
            value = f"secret-of-{source['secretKeyRef']['name']}"
        else:
            value = re.sub(r"\$\(([A-Z_]+)\)", lambda match: made[match[1]], variable["value"])
        made[variable["name"]] = value
    return made


@pytest.fixture
def told(manifests: list[Manifest], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Put a container's variables into the environment; answers them."""

    def tell(name: str) -> dict[str, str]:
        variables = environment(manifests, container(manifests, name))
        for key, value in variables.items():
            monkeypatch.setenv(key, value)
        return variables

    return tell


@pytest.mark.parametrize(
    ("name", "settings", "prefix"),
    [
        ("migrate", OrderSettings, "ORDER_"),
        ("order", OrderSettings, "ORDER_"),
        ("catalog", CatalogSettings, "CATALOG_"),
        ("migrate-read", MigrationSettings, "CATALOG_"),
    ],
)
def test_every_variable_is_a_setting(told: Any, name: str, settings: Any, prefix: str) -> None:
    variables = told(name)
    settings()
    given = {key.removeprefix(prefix).lower() for key in variables if key.startswith(prefix)}
    assert given
    assert given <= set(settings.model_fields)


def test_an_order_instance_knows_itself_and_the_others(told: Any) -> None:
    told("order")
    settings = OrderSettings()  # type: ignore[call-arg]  # the environment fills it
    assert (settings.instance, settings.host) == ("order-2", "0.0.0.0")  # noqa: S104 - in a pod
    assert sorted(settings.other_instances) == ["order-1", "order-3"]
    assert settings.other_instances["order-3"] == "http://order-3.order:8000"


def test_the_catalog_reads_as_the_reader(told: Any) -> None:
    told("catalog")
    settings = CatalogSettings()  # type: ignore[call-arg]
    url = settings.database_url.get_secret_value()
    assert url.startswith("postgresql://catalog_reader:secret-of-catalog-reader@read-db")


def test_every_variable_of_the_sink_changes_something(told: Any) -> None:
    variables = told("sink")
    files = "".join(path.read_text() for path in CONNECTORS.glob("*.json"))
    referred = set(re.findall(r"\$\{env:([A-Z_]+)\}", files))
    assert referred <= set(variables)
    for name in (name for name in variables if name.startswith("SINK_") and name not in referred):
        without = {key: value for key, value in variables.items() if key != name}
        assert read_worker(variables) != read_worker(without), f"{name} means nothing to a worker"
    assert read_worker(variables).advertised == "10.0.0.7:8083"


def test_the_ports_are_those_that_the_programs_open(manifests: list[Manifest], told: Any) -> None:
    def declared(name: str) -> int:
        (port,) = container(manifests, name)["ports"]
        number: int = port["containerPort"]
        return number

    told("order")
    assert declared("order") == OrderSettings().port  # type: ignore[call-arg]
    told("catalog")
    assert declared("catalog") == CatalogSettings().port  # type: ignore[call-arg]
    assert declared("sink") == read_worker(told("sink")).rest_port


async def nothing_missing() -> str | None:
    return None


async def nothing_to_observe() -> None:
    return None


def test_what_the_probes_ask_for_exists(manifests: list[Manifest]) -> None:
    from sink_connector.rest.app import make_app  # noqa: PLC0415 - heavy, and only here

    offered = {
        "order": health_router({}).routes,
        "catalog": health_routes(
            missing=nothing_missing, metrics=CollectorRegistry(), observe=nothing_to_observe
        ).routes,
        "sink": make_app(None).routes,  # type: ignore[arg-type]  # nobody asks it anything
    }
    for name, routes in offered.items():
        probed = container(manifests, name)
        probes = [probe["httpGet"] for key, probe in probed.items() if key.endswith("Probe")]
        assert {"livenessProbe", "readinessProbe"} <= set(probed)
        assert {probe["path"] for probe in probes} <= {getattr(route, "path", None) for route in routes}
        assert {probe["port"] for probe in probes} == {port["name"] for port in probed["ports"]}


def test_no_pod_may_do_more_than_it_has_to(manifests: list[Manifest]) -> None:
    workloads = [m for m in manifests if containers(m)]
    assert len(workloads) == 4
    for workload in workloads:
        spec = workload["spec"]["template"]["spec"]
        assert spec["securityContext"]["runAsNonRoot"]
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False
        assert spec["enableServiceLinks"] is False, "a Service's name would become a setting"
        assert not {"hostNetwork", "hostPID", "hostIPC"} & set(spec)
        assert not [v for v in spec["volumes"] if "hostPath" in v]
        for each in containers(workload):
            assert each["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert {"cpu", "memory"} <= set(each["resources"]["requests"])
            assert "memory" in each["resources"]["limits"]
