"""Secrets are never shown, and what is shown can be given back."""

import pytest

from sink_connector.config.redaction import HIDDEN, Redactor
from sink_connector.config.secrets import redacted, retained, secrets_of


@pytest.mark.parametrize(
    ("key", "value", "visible"),
    [
        ("connection.password", "s3cret", HIDDEN),
        ("value.converter.basic.auth.user.info", "me:s3cret", HIDDEN),
        ("consumer.override.sasl.jaas.config", "Plain required password='s3cret';", HIDDEN),
        ("connection.url", "postgresql://me:s3cret@db/x", f"postgresql://me:{HIDDEN}@db/x"),
        ("connection.url", "jdbc:postgresql://db/x?user=me&password=s3cret", f"jdbc:postgresql://db/x?user=me&password={HIDDEN}"),
        ("connection.url", "jdbc:postgresql://db:5432/x", "jdbc:postgresql://db:5432/x"),
        ("connection.password", "${env:PASSWORD}", "${env:PASSWORD}"),
        ("connection.url", "${env:SINK_DATABASE_URL}", "${env:SINK_DATABASE_URL}"),
        ("connection.url", "postgresql://me:${env:PASSWORD}@db/x", "postgresql://me:${env:PASSWORD}@db/x"),
        ("topics", "passwords", "passwords"),
        ("connection.url", "postgresql://me:p@ss@db/x", f"postgresql://me:{HIDDEN}@db/x"),
        ("connection.url", "postgresql://me:p@s/s@db/x", f"postgresql://me:{HIDDEN}@db/x"),
        ("connection.url", "postgresql://me:p?s#s@db/x", f"postgresql://me:{HIDDEN}@db/x"),
        ("connection.url", "postgresql://me@corp:pass@db/x", f"postgresql://me@corp:{HIDDEN}@db/x"),
        ("connection.url", "jdbc:postgresql://db:5432/x?password=p@ss&user=me", f"jdbc:postgresql://db:5432/x?password={HIDDEN}&user=me"),
        ("connection.url", "jdbc:postgresql://db/x?sslpassword=abc", f"jdbc:postgresql://db/x?sslpassword={HIDDEN}"),
        ("value.converter.schema.registry.url", "http://me:p@ss@registry:8081", f"http://me:{HIDDEN}@registry:8081"),
        ("value.converter.api.key", "s3cret", HIDDEN),
        ("transforms.x.passphrase", "s3cret", HIDDEN),
        ("consumer.override.ssl.key.password", "s3cret", HIDDEN),
        ("consumer.override.ssl.keystore.key", "s3cret", HIDDEN),
    ],
)  # fmt: skip
def test_a_secret_is_hidden_and_nothing_else(key: str, value: str, visible: str) -> None:
    assert redacted({key: value}) == {key: visible}


def test_what_was_shown_stands_for_what_is_stored() -> None:
    stored = {"connection.password": "s3cret", "connection.url": "postgresql://me:s3cret@db/x", "topics": "a"}
    assert retained({**redacted(stored), "topics": "b"}, stored) == {**stored, "topics": "b"}


def test_a_new_secret_replaces_the_stored_one() -> None:
    assert retained({"connection.password": "new"}, {"connection.password": "old"}) == {
        "connection.password": "new"
    }


def test_a_trace_loses_the_secrets_of_its_connector() -> None:
    secrets = secrets_of({"connection.password": "s3cret", "connection.url": "postgresql://me:other@db/x"})
    assert Redactor(secrets).scrub("no s3cret and no other") == f"no {HIDDEN} and no {HIDDEN}"
