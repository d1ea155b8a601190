"""infra/docker/secure.yml as Compose merges it: no way in without a token or a certificate, and each part has its own."""

import importlib.util
import json
import os
import stat
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from catalog_service.settings import Settings as CatalogSettings
from devservers.certificates import Authority
from order_service.settings import Settings as OrderSettings
from sink_connector.config.rest_security import BASIC_AUTH
from tests.support.compose import merged_services

REPOSITORY = Path(__file__).parents[3]
INSTANCES = ("order-1", "order-2", "order-3")


@pytest.fixture(scope="module")
def services() -> dict[str, dict[str, Any]]:
    return merged_services("docker-compose.yml", "infra/docker/secure.yml", profile="tools")


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script of the job, with a folder of the test for its volume."""
    spec = importlib.util.spec_from_file_location("make_keys", REPOSITORY / "infra/docker/make_keys.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DIRECTORY", tmp_path)
    monkeypatch.setattr(module, "ISSUER_URL", "https://issuer.localhost:8443")
    return module


def told(service: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in (service.get("environment") or {}).items() if value is not None}


def test_every_container_is_bounded_and_hardened(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        assert service["mem_limit"], name
        assert 0 < service["pids_limit"] <= 512, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["read_only"], name
        assert service["logging"]["options"] == {"max-size": "10m", "max-file": "3"}, name


def test_nothing_is_spoken_in_plain_text(services: dict[str, dict[str, Any]]) -> None:
    for name, service in services.items():
        said = json.dumps([told(service), service.get("command"), service.get("healthcheck")])
        assert "http://" not in said, name
        assert "PLAINTEXT" not in said, name
    for name in ("read-db", *(f"{instance}-db" for instance in INSTANCES)):
        assert "ssl=on" in services[name]["command"]
        assert "hba_file=/pg_hba.conf" in services[name]["command"]
    rules = (REPOSITORY / "infra/docker/pg_hba.conf").read_text().splitlines()
    assert {line.split()[0] for line in rules if not line.startswith("#")} == {"local", "hostssl"}


def test_the_services_take_their_settings(
    services: dict[str, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (*INSTANCES, "catalog"):
        with monkeypatch.context() as environment:
            for key, value in told(services[name]).items():
                if key.endswith("_FILE"):  # as entrypoint.sh does
                    environment.setenv(key.removesuffix("_FILE"), "postgresql://a:b@c/d")
                else:
                    environment.setenv(key, value)
            settings = CatalogSettings() if name == "catalog" else OrderSettings()  # type: ignore[call-arg]
        assert settings.auth_issuer == "https://issuer.localhost:8443"
        assert not settings.allow_anonymous
        assert settings.kafka_security_protocol == "SSL"
        assert str(settings.tls_certfile) == str(settings.kafka_ssl_certfile) == f"/run/secrets/{name}.pem"


def test_the_sink_asks_who_one_is_and_its_users_file_is_no_secret_of_the_environment(
    services: dict[str, dict[str, Any]],
) -> None:
    environment = told(services["sink"])
    assert environment["SINK_REST_EXTENSION_CLASSES"] == BASIC_AUTH
    assert not environment["SINK_REST_BASIC_AUTH_FILE"].startswith("/run/secrets/"), "see entrypoint.sh"
    assert environment["SINK_LISTENERS"].startswith("https://")
    assert services["sink"]["deploy"]["replicas"] == 1, "a certificate names one worker"


def test_each_part_reads_its_own_certificate_and_no_other_ones(
    services: dict[str, dict[str, Any]], keys: ModuleType
) -> None:
    named = {
        (name, word.rpartition("/")[2].removesuffix(".pem"))
        for name, service in services.items()
        for value in (*told(service).values(), *(service.get("command") or ()))
        for word in [value.rpartition("=")[2]]
        if word.startswith("/run/secrets/") and word.endswith(".pem") and not word.endswith("/ca.pem")
    }
    assert {certificate for _, certificate in named} == set(keys.READERS)
    for name, certificate in named:
        user = str(services[name].get("user", "1000")).partition(":")[0]  # Kafka's image has its own
        assert user == str(keys.READERS[certificate]), (name, certificate)
        assert certificate == {"topics": "administrator"}.get(name, name)


def test_every_principal_of_the_access_lists_has_a_certificate(keys: ModuleType) -> None:
    lists = json.loads((REPOSITORY / "infra/kafka/access-lists.json").read_text())
    assert {each["principal"] for each in lists} == {*INSTANCES, "catalog", "sink"}
    assert {each["principal"] for each in lists} <= set(keys.READERS)


@pytest.mark.skipif(os.geteuid() != 0, reason="it gives files to users, which only root may")
def test_what_is_made_is_its_readers_alone_and_kept(keys: ModuleType, tmp_path: Path) -> None:
    keys.make()
    made = {file.name: file.stat() for file in tmp_path.iterdir()}
    assert made.keys() >= {f"{name}.pem" for name in keys.READERS}
    public = {name for name, status in made.items() if status.st_mode & 0o077}
    assert public == {"ca.pem"}
    for name, reader in keys.READERS.items():
        assert (made[f"{name}.pem"].st_uid, stat.S_IMODE(made[f"{name}.pem"].st_mode)) == (reader, 0o400)
    assert made["sink_users.properties"].st_uid == keys.SINK
    assert made["issuer.jwk"].st_uid == keys.ISSUER
    assert Authority(tmp_path / "authority").certificate.read_bytes() == (tmp_path / "ca.pem").read_bytes()
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    keys.make()
    after = {file.name: file.read_bytes() for file in tmp_path.iterdir() if file.is_file()}
    assert before.pop("staff_token")
    assert after.pop("staff_token"), "it lasts an hour, and is made anew"
    assert after == before
