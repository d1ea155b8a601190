"""What one object says about another is true: names, labels, ports, keys, files."""

import json
import re
from pathlib import Path

import pytest

from tests.support.manifests import Manifest, containers, one, pod

REPOSITORY = Path(__file__).parents[3]
PASSWORDS = {"read-owner", "sink-writer", "catalog-reader", "order-peers"}
VARIABLE = re.compile(r"\$\(([A-Z_]+)\)")


def pods(manifests: list[Manifest], labels: dict[str, str]) -> list[Manifest]:
    """The pod templates that a selector picks."""
    templates = [template for m in manifests if (template := pod(m))]
    return [t for t in templates if labels.items() <= t["metadata"]["labels"].items()]


def ports(template: Manifest) -> set[str]:
    return {port["name"] for c in template["spec"]["containers"] for port in c.get("ports", ())}


def mounted_secrets(manifest: Manifest) -> list[str]:
    """The names of the Secrets that are files in an object's pods."""
    template = pod(manifest)
    volumes = template["spec"].get("volumes", ()) if template else ()
    return [
        source["secret"]["name"]
        for volume in volumes
        for source in volume.get("projected", {}).get("sources", ())
    ]


def test_a_workload_selects_the_pods_that_it_makes(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        if manifest["kind"] in {"Deployment", "StatefulSet"}:
            labels = manifest["spec"]["template"]["metadata"]["labels"]
            assert manifest["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_a_service_finds_pods_that_have_its_port(manifests: list[Manifest]) -> None:
    services = [m for m in manifests if m["kind"] == "Service"]
    assert services
    for service in services:
        (found,) = pods(manifests, service["spec"]["selector"])
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports(found)


def test_every_workload_that_serves_has_a_disruption_budget(manifests: list[Manifest]) -> None:
    budgets = [m["spec"]["selector"]["matchLabels"] for m in manifests if m["kind"] == "PodDisruptionBudget"]
    serving = [m for m in manifests if m["kind"] in {"Deployment", "StatefulSet"}]
    for workload in serving:
        labels = workload["spec"]["template"]["metadata"]["labels"]
        assert len([budget for budget in budgets if budget.items() <= labels.items()]) == 1
        assert workload["spec"]["replicas"] >= 2, (
            "a budget for a single pod would stop every node's maintenance"
        )
    assert len(budgets) == len(serving)


def test_what_a_container_reads_from_a_config_map_stands_in_it(manifests: list[Manifest]) -> None:
    asked = [
        reference
        for m in manifests
        for container in containers(m)
        for variable in container.get("env", ())
        if (reference := variable.get("valueFrom", {}).get("configMapKeyRef"))
    ]
    assert asked
    for reference in asked:
        assert reference["key"] in one(manifests, "ConfigMap", reference["name"])["data"]


def test_every_address_is_used(manifests: list[Manifest]) -> None:
    used = {
        variable["valueFrom"]["configMapKeyRef"]["key"]
        for m in manifests
        for container in containers(m)
        for variable in container.get("env", ())
        if "configMapKeyRef" in variable.get("valueFrom", {})
    }
    assert used == set(one(manifests, "ConfigMap", "addresses")["data"])


def test_passwords_come_from_secrets_that_are_made_outside(manifests: list[Manifest]) -> None:
    asked = [
        (reference["name"], reference["key"])
        for m in manifests
        for container in containers(m)
        for variable in container.get("env", ())
        if (reference := variable.get("valueFrom", {}).get("secretKeyRef"))
    ]
    names = {name for name, _ in asked} | {name for m in manifests for name in mounted_secrets(m)}
    assert {key for _, key in asked} == {"password"}
    assert names >= PASSWORDS
    assert not [m for m in manifests if m["kind"] == "Secret"]
    page = (REPOSITORY / "infra" / "k8s" / "README.md").read_text()
    assert [name for name in names if name not in page] == [], "the page says how they are made"


def test_a_variable_is_defined_before_it_is_used(manifests: list[Manifest]) -> None:
    for container in (c for m in manifests for c in containers(m)):
        defined: set[str] = set()
        for variable in container.get("env", ()):
            assert set(VARIABLE.findall(variable.get("value", ""))) <= defined, container["name"]
            assert variable["name"] not in defined
            defined.add(variable["name"])
        for argument in (*container.get("command", ()), *container.get("args", ())):
            assert set(VARIABLE.findall(argument)) <= defined, container["name"]


def test_every_volume_is_there_and_mounted(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        if not containers(manifest):
            continue
        claims = [claim["metadata"]["name"] for claim in manifest["spec"].get("volumeClaimTemplates", ())]
        volumes = manifest["spec"]["template"]["spec"].get("volumes", [])
        mounted = {mount["name"] for c in containers(manifest) for mount in c["volumeMounts"]}
        assert mounted == {*claims, *(volume["name"] for volume in volumes)}
        for volume in volumes:
            if "configMap" in volume:
                assert one(manifests, "ConfigMap", volume["configMap"]["name"])


def test_a_file_that_a_command_names_lies_where_it_says(manifests: list[Manifest]) -> None:
    job = one(manifests, "Job", "set-up")
    maps = {
        v["name"]: v["configMap"]["name"]
        for v in job["spec"]["template"]["spec"]["volumes"]
        if "configMap" in v
    }
    there = {
        f"{mount['mountPath']}/{name}"
        for container in containers(job)
        for mount in container["volumeMounts"]
        if mount["name"] in maps
        for name in one(manifests, "ConfigMap", maps[mount["name"]])["data"]
    }
    named = {
        word
        for container in containers(job)
        for word in (*container.get("command", ()), *container["args"])
        if word.startswith("/")
    }
    deployed = REPOSITORY / "infra" / "connectors"
    statements = {f"/connectors/{path.name}" for path in deployed.glob("*.sql")}
    assert named <= there
    assert there - named == {"/topics/topics.json", *statements}, (
        "every connector is deployed; topics and statements stand beside what reads them"
    )
    connectors = {path.name for path in deployed.glob("*.json")}
    assert {Path(word).name for word in named} == connectors | {"create_topics.py"}


def test_every_instance_has_its_address_and_its_inbox(manifests: list[Manifest]) -> None:
    stateful = one(manifests, "StatefulSet", "order")["spec"]
    first, count, service = stateful["ordinals"]["start"], stateful["replicas"], stateful["serviceName"]
    headless = one(manifests, "Service", service)["spec"]
    assert headless["clusterIP"] == "None"
    port = headless["ports"][0]["port"]
    instances = [f"order-{number}" for number in range(first, first + count)]
    addresses = one(manifests, "ConfigMap", "addresses")["data"]
    assert json.loads(addresses["ORDER_INSTANCES"]) == {
        name: f"http://{name}.{service}:{port}" for name in instances
    }
    topics = {
        topic["name"] for topic in json.loads(one(manifests, "ConfigMap", "topics")["data"]["topics.json"])
    }
    assert {name for name in topics if name.startswith("inbox.")} == {f"inbox.{name}" for name in instances}


def test_the_sink_is_where_its_address_says(manifests: list[Manifest]) -> None:
    service = one(manifests, "Service", "sink")["spec"]
    assert (
        one(manifests, "ConfigMap", "addresses")["data"]["SINK"]
        == f"http://sink:{service['ports'][0]['port']}"
    )


@pytest.mark.parametrize(
    ("image", "dockerfile"),
    [
        ("order", "services/order/Dockerfile"),
        ("catalog", "services/catalog/Dockerfile"),
        ("sink", "sink_connector/Dockerfile"),
    ],
)
def test_the_image_has_the_version_that_its_dockerfile_says(
    manifests: list[Manifest], image: str, dockerfile: str
) -> None:
    (version,) = re.findall(r'image\.version="([^"]+)"', (REPOSITORY / dockerfile).read_text())
    used = {c["image"] for m in manifests for c in containers(m) if f"/{image}:" in c["image"]}
    assert {name.rpartition(":")[2] for name in used} == {version}


def test_the_way_in_leads_to_services(manifests: list[Manifest]) -> None:
    for ingress in (m for m in manifests if m["kind"] == "Ingress"):
        for path in (path for rule in ingress["spec"]["rules"] for path in rule["http"]["paths"]):
            target = path["backend"]["service"]
            offered = {port["name"] for port in one(manifests, "Service", target["name"])["spec"]["ports"]}
            assert target["port"]["name"] in offered
