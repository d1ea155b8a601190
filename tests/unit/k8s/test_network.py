"""The network policies let through what the parts need, and nothing else."""

from typing import Any

import pytest

from tests.support.manifests import Manifest, containers, one, pod

PARTS = {"order": "StatefulSet", "sink": "Deployment", "catalog": "Deployment", "set-up": "Job"}
TALKS = {
    ("order", "order"),  # commands go to their home
    ("catalog", "order"),
    ("catalog", "sink"),
    ("sink", "sink"),  # the leader decides
    ("set-up", "sink"),
}


def labels(manifests: list[Manifest], part: str) -> dict[str, str]:
    template = pod(one(manifests, PARTS[part], part))
    assert template
    found: dict[str, str] = template["metadata"]["labels"]
    return found


def policies(manifests: list[Manifest], part: str, direction: str) -> list[Manifest]:
    """The policies that rule a part's traffic in a direction, `Ingress` or `Egress`."""
    own = labels(manifests, part)
    return [
        m["spec"]
        for m in manifests
        if m["kind"] == "NetworkPolicy"
        and direction in m["spec"]["policyTypes"]
        and m["spec"]["podSelector"].get("matchLabels", {}).items() <= own.items()
    ]


def allows(rules: list[Any], side: str, other: dict[str, str]) -> bool:
    """One of the rules names pods of this namespace with the labels `other`, on the port `http`."""
    return any(
        "podSelector" in peer
        and "namespaceSelector" not in peer
        and peer["podSelector"]["matchLabels"].items() <= other.items()
        for rule in rules
        if {port["port"] for port in rule["ports"]} == {"http"}
        for peer in rule.get(side, ())
    )


@pytest.mark.parametrize("one_part", PARTS)
@pytest.mark.parametrize("other", PARTS)
def test_a_part_reaches_another_only_if_it_has_business_there(
    manifests: list[Manifest], one_part: str, other: str
) -> None:
    out = [rule for p in policies(manifests, one_part, "Egress") for rule in p.get("egress", ())]
    into = [rule for p in policies(manifests, other, "Ingress") for rule in p.get("ingress", ())]
    may = (one_part, other) in TALKS
    assert allows(out, "to", labels(manifests, other)) is may
    assert allows(into, "from", labels(manifests, one_part)) is may


@pytest.mark.parametrize("part", PARTS)
def test_who_is_told_where_kafka_is_may_go_there_and_nobody_else(
    manifests: list[Manifest], part: str
) -> None:
    told = {
        variable["valueFrom"]["configMapKeyRef"]["key"]
        for container in containers(one(manifests, PARTS[part], part))
        for variable in container.get("env", ())
        if "configMapKeyRef" in variable.get("valueFrom", {})
    }
    open_ports = {
        port["port"]
        for policy in policies(manifests, part, "Egress")
        for rule in policy.get("egress", ())
        for port in rule["ports"]
    }
    addresses = one(manifests, "ConfigMap", "addresses")["data"]
    for key in ("KAFKA_BOOTSTRAP", "READ_DATABASE"):
        port = int(addresses[key].rpartition(":")[2])
        assert (port in open_ports) is (key in told), key


def test_without_a_rule_nothing_passes(manifests: list[Manifest]) -> None:
    nothing = one(manifests, "NetworkPolicy", "nothing")["spec"]
    assert nothing == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}


def test_strangers_reach_the_ways_in_only(manifests: list[Manifest]) -> None:
    open_to = {
        part
        for part in PARTS
        for policy in policies(manifests, part, "Ingress")
        for rule in policy.get("ingress", ())
        for peer in rule["from"]
        if "namespaceSelector" in peer
    }
    assert open_to == {"order", "catalog"}
    for policy in (m["spec"] for m in manifests if m["kind"] == "NetworkPolicy"):
        assert all(rule.get("from") for rule in policy.get("ingress", ())), "no rule is for everybody"
