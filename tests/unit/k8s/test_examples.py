"""The examples for Kafka, PostgreSQL and the passwords agree with the installation that points at them."""

import json
from collections import defaultdict
from pathlib import Path

import pytest

from demo.home import Home
from demo.security import StackSecurity
from devservers.ports import Ports
from tests.support.manifests import K8S, Manifest, build, containers, one
from tests.support.yaml_text import one_document

REPOSITORY = Path(__file__).parents[3]
ADDRESSES = one(build(K8S / "overlays" / "example"), "ConfigMap", "addresses")["data"]
COMPOSE = one_document((REPOSITORY / "docker-compose.yml").read_text())
KAFKA = {"example": "kafka-strimzi", "secure": "kafka-strimzi-secure"}
"""Which brokers an overlay expects."""
# As the demo and as the manifests call the same thing.
CALLED = {"sink-configs": "read-model-configs", "sink-status": "read-model-status", "sink": "read-model"}

Rights = dict[str, set[tuple[str, str, str, str]]]
"""Of each principal: operation, kind and name of the resource, and whether the name is one or how names begin."""


@pytest.mark.parametrize("overlay", KAFKA)
def test_strimzis_brokers_are_where_the_address_says(overlay: str) -> None:
    kafka = one(build(K8S / "examples" / KAFKA[overlay]), "Kafka", "events")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    name, namespace = kafka["metadata"]["name"], kafka["metadata"]["namespace"]
    addresses = one(build(K8S / "overlays" / overlay), "ConfigMap", "addresses")["data"]
    assert addresses["KAFKA_BOOTSTRAP"] == f"{name}-kafka-bootstrap.{namespace}.svc:{listener['port']}"
    pool = one(build(K8S / "examples" / "kafka-strimzi"), "KafkaNodePool", "brokers")
    assert pool["metadata"]["labels"]["strimzi.io/cluster"] == name


def test_strimzis_brokers_have_compose_s_settings() -> None:
    kafka = one(build(K8S / "examples" / "kafka-strimzi"), "Kafka", "events")["spec"]["kafka"]
    composed = COMPOSE["x-kafka-environment"]
    for key, value in kafka["config"].items():
        assert str(composed[f"KAFKA_{key.upper().replace('.', '_')}"]) == str(value), key


@pytest.mark.parametrize("example", KAFKA.values())
def test_only_pods_that_may_use_kafka_are_let_in_by_its_listener(example: str) -> None:
    kafka = one(build(K8S / "examples" / example), "Kafka", "events")["spec"]["kafka"]
    namespace = build(K8S / "overlays" / "example")[0]["metadata"]["namespace"]
    clients = one(build(K8S / "base"), "NetworkPolicy", "kafka-clients")["spec"]["podSelector"]
    assert kafka["listeners"][0]["networkPolicyPeers"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "podSelector": clients,
        }
    ]


def strimzis_users() -> dict[str, Manifest]:
    made = build(K8S / "examples" / "kafka-strimzi-secure")
    return {each["metadata"]["name"]: each["spec"] for each in made if each["kind"] == "KafkaUser"}


def test_strimzis_users_may_do_what_the_demos_principals_may(tmp_path: Path) -> None:
    security = StackSecurity.of(home=Home(tmp_path), ports=Ports())
    demos: Rights = defaultdict(set)
    for acl in security.acls():
        kind = "transactionalId" if acl.resource == "transactional-id" else acl.resource
        pattern = {"literal": "literal", "prefixed": "prefix"}[acl.pattern]
        name = "" if kind == "cluster" else CALLED.get(acl.name, acl.name)
        for operation in acl.operations:
            demos[acl.principal].add((operation.title(), kind, name, "" if kind == "cluster" else pattern))
    strimzis: Rights = defaultdict(set)
    for user, spec in strimzis_users().items():
        for acl in spec["authorization"]["acls"]:
            resource = acl["resource"]
            for operation in acl["operations"]:
                strimzis[user].add(
                    (operation, resource["type"], resource.get("name", ""), resource.get("patternType", ""))
                )
    made_by_job = strimzis.pop("set-up")
    assert strimzis == demos
    topics = json.loads((REPOSITORY / "infra" / "kafka" / "topics.json").read_text())
    for topic in topics:
        assert any(
            topic["name"].startswith(name) if pattern == "prefix" else topic["name"] == name
            for operation, kind, name, pattern in made_by_job
            if (operation, kind) == ("Create", "topic")
        ), topic["name"]
    assert {operation for operation, *_ in made_by_job} == {"Create", "Describe"}


def test_every_pod_logs_in_as_one_of_strimzis_users_with_its_password() -> None:
    secure = build(K8S / "overlays" / "secure")
    used = {
        name.removeprefix("kafka-")
        for m in secure
        for container in containers(m)
        for variable in container.get("env", ())
        if (name := variable.get("valueFrom", {}).get("secretKeyRef", {}).get("name", "")).startswith(
            "kafka-"
        )
    }
    volumes = one(secure, "StatefulSet", "order")["spec"]["template"]["spec"]["volumes"]
    (passwords,) = (each["projected"]["sources"] for each in volumes if each["name"] == "kafka-passwords")
    instances = {each["secret"]["items"][0]["path"]: each["secret"]["name"] for each in passwords}
    assert instances == {f"order-{number}": f"kafka-order-{number}" for number in (1, 2, 3)}
    users = strimzis_users()
    assert users.keys() == used | instances.keys()
    for name, spec in users.items():
        given = spec["authentication"]["password"]["valueFrom"]["secretKeyRef"]
        assert given == {"name": f"kafka-{name}", "key": "password"}


def test_nobody_is_let_in_without_a_token_by_the_secure_overlay() -> None:
    secure = build(K8S / "overlays" / "secure")
    serving = [c for m in secure for c in containers(m) if c["name"] in {"order", "migrate", "catalog"}]
    assert len(serving) == 3
    for container in serving:
        told = {variable["name"].partition("_")[2]: variable for variable in container["env"]}
        assert told["ALLOW_ANONYMOUS"]["value"] == "false", container["name"]
        assert told["AUTH_ISSUER"]["valueFrom"]["configMapKeyRef"]["key"] == "ISSUER"
    addresses = one(secure, "ConfigMap", "addresses")["data"]
    (host,) = (
        rule["host"]
        for rule in one(secure, "Ingress", "entry")["spec"]["rules"]
        if any(path["path"] == "/session" for path in rule["http"]["paths"])
    )
    assert addresses["PAGE_REDIRECT_URL"] == f"https://{host}/session/callback"


def test_cloudnative_pgs_database_is_where_the_address_says() -> None:
    cluster = one(build(K8S / "examples" / "postgresql-cloudnative-pg"), "Cluster", "read-db")
    name, namespace = cluster["metadata"]["name"], cluster["metadata"]["namespace"]
    assert ADDRESSES["READ_DATABASE"] == f"{name}-rw.{namespace}.svc:5432"
    assert (
        cluster["spec"]["imageName"].rpartition(":")[2] == COMPOSE["x-postgres"]["image"].rpartition(":")[2]
    )


def test_cloudnative_pgs_roles_may_do_what_the_privileges_let_them() -> None:
    made = build(K8S / "examples" / "postgresql-cloudnative-pg")
    spec = one(made, "Cluster", "read-db")["spec"]
    initdb = spec["bootstrap"]["initdb"]
    (reference,) = initdb["postInitApplicationSQLRefs"]["configMapRefs"]
    privileges = one(made, "ConfigMap", reference["name"])["data"][reference["key"]]
    assert privileges == (REPOSITORY / "infra" / "postgres" / "privileges.sql").read_text()
    managed = {role["name"]: role for role in spec["managed"]["roles"]}
    assert initdb["postInitApplicationSQL"] == [f"CREATE ROLE {role}" for role in managed]
    assert {name: role["passwordSecret"]["name"] for name, role in managed.items()} == {
        "sink_writer": "sink-writer",
        "catalog_reader": "catalog-reader",
    }
    for name, role in managed.items():  # the operator would lift a bound that it is not told of
        assert f"ALTER ROLE {name} CONNECTION LIMIT {role['connectionLimit']};" in privileges
    assert initdb["secret"] == {"name": "read-owner"}


def test_the_privileges_are_plain_sql_that_needs_no_psql() -> None:
    lines = (REPOSITORY / "infra" / "postgres" / "privileges.sql").read_text().splitlines()
    assert not [line for line in lines if line.startswith("\\") or ":'" in line]


def test_external_secrets_are_the_secrets_that_pods_and_database_use() -> None:
    secrets = build(K8S / "examples" / "secrets-external")
    made = {
        each["spec"]["target"]["name"]: each["spec"]["target"]["template"]["data"]["username"]
        for each in secrets
    }
    assert made == {
        "read-owner": "read_owner",
        "sink-writer": "sink_writer",
        "catalog-reader": "catalog_reader",
        "order-peers": "order_peers",
    }
    assert all(each["metadata"]["name"] == each["spec"]["target"]["name"] for each in secrets)
