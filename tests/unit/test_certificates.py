"""When the certificates that a part uses expire is among its metrics, by the setting that names the file."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Gauge
from pydantic import SecretStr

from catalog_service.monitoring.metrics import Metrics
from catalog_service.settings import Settings
from devservers.certificates import Authority, expires_at
from order_service.certificates import watch
from sink_connector.certificates import EXPIRY_TEXT
from sink_connector.config.worker import read_worker


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path / "tls").make()


@pytest.fixture
def registry() -> CollectorRegistry:
    return CollectorRegistry()


@pytest.fixture
def expiry(registry: CollectorRegistry) -> Gauge:
    return Gauge("x_certificate_expiry_timestamp_seconds", EXPIRY_TEXT, ["setting"], registry=registry)


def told(registry: CollectorRegistry) -> Mapping[str, float]:
    """The metric's values by setting."""
    return {
        sample.labels["setting"]: sample.value
        for family in registry.collect()
        if family.name.endswith("_certificate_expiry_timestamp_seconds")
        for sample in family.samples
    }


def end_of(file: Path) -> float:
    return expires_at(file).timestamp()


def test_a_file_is_told_of_as_it_is_now(
    authority: Authority, registry: CollectorRegistry, expiry: Gauge
) -> None:
    file = authority.issue("order-1")
    watch(expiry, {"kafka_ssl_certfile": file, "tls_keyfile": None})
    assert told(registry) == {"kafka_ssl_certfile": end_of(file)}
    file.unlink()
    assert told(registry) == {"kafka_ssl_certfile": 0}, (
        "a file that is gone is as bad as one that has expired"
    )
    authority.issue("order-1", life=timedelta(days=90))
    assert told(registry) == {"kafka_ssl_certfile": end_of(file)}


def test_of_a_chain_the_first_end_counts_and_of_authorities_the_last(
    authority: Authority, registry: CollectorRegistry, expiry: Gauge
) -> None:
    ends = {"own": end_of(authority.issue("own")), "authority": end_of(authority.certificate)}
    assert ends["own"] < ends["authority"]
    chain = authority.directory / "chain.pem"
    chain.write_bytes(authority.issue("own").read_bytes() + authority.certificate.read_bytes())
    watch(expiry, {"tls_certfile": chain, "tls_cafile": chain, "ssl.truststore.location": chain})
    assert told(registry) == {
        "tls_certfile": ends["own"],
        "tls_cafile": ends["authority"],
        "ssl.truststore.location": ends["authority"],
    }


def test_a_file_without_certificates_is_said_to_have_expired(
    tmp_path: Path, registry: CollectorRegistry, expiry: Gauge
) -> None:
    (tmp_path / "empty.pem").touch()
    watch(expiry, {"tls_certfile": tmp_path / "empty.pem"})
    assert told(registry) == {"tls_certfile": 0}


def test_a_service_tells_of_every_file_that_its_settings_name(authority: Authority) -> None:
    own = authority.issue("catalog", life=timedelta(days=3))
    settings = Settings(
        database_url=SecretStr("postgresql://x/y"),
        kafka_bootstrap="k:1",
        tls_certfile=own,
        kafka_security_protocol="SSL",
        kafka_ssl_cafile=authority.certificate,
    )
    metrics = Metrics(certificates=settings.certificate_files)
    found = told(metrics.registry)
    assert found == {"tls_certfile": end_of(own), "kafka_ssl_cafile": end_of(authority.certificate)}
    left_s = found["tls_certfile"] - datetime.now(UTC).timestamp()
    assert left_s == pytest.approx(3 * 86_400, abs=60)


def test_a_service_without_tls_has_none() -> None:
    assert told(Metrics().registry) == {}


def test_a_worker_tells_of_its_listener_and_of_whom_it_trusts(authority: Authority) -> None:
    own = authority.issue("sink")
    config = read_worker(
        {
            "SINK_LISTENERS": "https://127.0.0.1:8083",
            "SINK_LISTENERS_HTTPS_SSL_KEYSTORE_LOCATION": str(own),
            "SINK_SECURITY_PROTOCOL": "SSL",
            "SINK_SSL_TRUSTSTORE_TYPE": "PEM",
            "SINK_SSL_TRUSTSTORE_LOCATION": str(authority.certificate),
        }
    )
    told = {name: file.read_bytes() for name, file in config.certificate_files.items() if file}
    trusted = authority.certificate.read_bytes()
    assert told == {
        "listeners.https.ssl.keystore.location": own.read_bytes(),
        "listeners.https.ssl.truststore.location": trusted,
        "ssl.truststore.location": trusted,
    }
    assert not any(read_worker({}).certificate_files.values())
