"""The examples for Kafka, PostgreSQL and the passwords agree with the installation that points at them."""

from pathlib import Path

from tests.support.manifests import K8S, build, one
from tests.support.yaml_text import one_document

REPOSITORY = Path(__file__).parents[3]
ADDRESSES = one(build(K8S / "overlays" / "example"), "ConfigMap", "addresses")["data"]
COMPOSE = one_document((REPOSITORY / "docker-compose.yml").read_text())


def test_strimzis_brokers_are_where_the_address_says() -> None:
    kafka = one(build(K8S / "examples" / "kafka-strimzi"), "Kafka", "events")
    (listener,) = kafka["spec"]["kafka"]["listeners"]
    name, namespace = kafka["metadata"]["name"], kafka["metadata"]["namespace"]
    assert ADDRESSES["KAFKA_BOOTSTRAP"] == f"{name}-kafka-bootstrap.{namespace}.svc:{listener['port']}"
    pool = one(build(K8S / "examples" / "kafka-strimzi"), "KafkaNodePool", "brokers")
    assert pool["metadata"]["labels"]["strimzi.io/cluster"] == name


def test_strimzis_brokers_have_compose_s_settings() -> None:
    kafka = one(build(K8S / "examples" / "kafka-strimzi"), "Kafka", "events")["spec"]["kafka"]
    composed = COMPOSE["x-kafka-environment"]
    for key, value in kafka["config"].items():
        assert str(composed[f"KAFKA_{key.upper().replace('.', '_')}"]) == str(value), key


def test_only_pods_that_may_use_kafka_are_let_in_by_its_listener() -> None:
    kafka = one(build(K8S / "examples" / "kafka-strimzi"), "Kafka", "events")["spec"]["kafka"]
    namespace = build(K8S / "overlays" / "example")[0]["metadata"]["namespace"]
    clients = one(build(K8S / "base"), "NetworkPolicy", "kafka-clients")["spec"]["podSelector"]
    assert kafka["listeners"][0]["networkPolicyPeers"] == [
        {
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
            "podSelector": clients,
        }
    ]


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
