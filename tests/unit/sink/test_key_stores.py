"""Java's key and trust stores as PEM files.

Those beside this file are keytool's (Java 25): `-genkeypair -keyalg RSA -validity 36500 -ext san=dns:localhost,ip:127.0.0.1`,
its certificate imported into the trust store; password `changeit`, that of the key in `own.jks` `other-one`.
"""

import shutil
import ssl
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from devservers.certificates import Authority
from sink_connector.config.rest_security import RestSecurity
from sink_connector.config.worker import read_worker
from sink_connector.errors import ConfigError
from sink_connector.key_stores import OWN, TRUSTED, KeyStore
from sink_connector.runtime.kafka_options import consumer_options

STORES = Path(__file__).with_name("key_stores")
PASSWORD = "changeit"  # noqa: S105 - of files that anybody may read
FORMS = ("jks", "p12")
KEY_PASSWORDS = {"jks": "other-one", "p12": ""}


def settings(form: str, *, kind: str = "") -> dict[str, str]:
    """Kafka's keys for both stores of a form."""
    found = {
        f"{OWN}.location": str(STORES / f"own.{form}"),
        f"{OWN}.password": PASSWORD,
        f"{TRUSTED}.location": str(STORES / f"trusted.{form}"),
        f"{TRUSTED}.password": PASSWORD,
    }
    if KEY_PASSWORDS[form]:
        found["ssl.key.password"] = KEY_PASSWORDS[form]
    return found | ({f"{OWN}.type": kind, f"{TRUSTED}.type": kind} if kind else {})


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    """Raises what one of the two finds wrong with the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname="localhost"),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    for _ in range(4):
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert all(end.version() for end in ends)


def served(given: Mapping[str, str]) -> ssl.SSLContext:
    """A server that shows what is in the one store and asks clients for what the other one trusts."""
    own, trusted = KeyStore.named(given, OWN), KeyStore.named(given, TRUSTED)
    assert own is not None
    assert trusted is not None
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(own.pem(), password=own.password_of_key)
    server.load_verify_locations(trusted.pem())
    server.verify_mode = ssl.CERT_REQUIRED
    return server


@pytest.mark.parametrize("kind", ["", "JKS", "pkcs12"])
@pytest.mark.parametrize("form", FORMS)
def test_a_client_of_kafka_shows_and_trusts_what_is_in_java_stores(form: str, kind: str) -> None:
    given = settings(form, kind=kind)
    options = consumer_options({"security.protocol": "SSL", **given}, bootstrap_servers="b:1", group_id="g")
    shake_hands(options["ssl_context"], served(given))


def listener(given: Mapping[str, str]) -> RestSecurity:
    """What a worker's listener makes of these stores; it asks its clients for certificates."""
    settings = {f"listeners.https.{name}": value for name, value in given.items()}
    settings |= {"listeners": "https://127.0.0.1:8443", "listeners.https.ssl.client.auth": "required"}
    return read_worker(
        {f"SINK_{name.upper().replace('.', '_')}": value for name, value in settings.items()}
    ).rest


def test_a_workers_listener_and_its_client_read_java_stores_again_when_they_are_renewed(
    tmp_path: Path,
) -> None:
    given = settings("jks") | {f"{name}.location": str(tmp_path / name) for name in (OWN, TRUSTED)}

    def renew(form: str) -> None:
        shutil.copy(STORES / f"own.{form}", tmp_path / OWN)
        shutil.copy(STORES / f"trusted.{form}", tmp_path / TRUSTED)

    renew("p12")
    rest = listener(given)
    server, client = rest.server_context(), rest.client_context()
    assert server is not None
    assert isinstance(client, ssl.SSLContext)
    for form, other in (("p12", "jks"), ("jks", "p12")):
        renew(form)
        theirs = listener(settings(form))
        their_client, their_server = theirs.client_context(), theirs.server_context()
        assert isinstance(their_client, ssl.SSLContext)
        assert their_server is not None
        shake_hands(their_client, server)
        shake_hands(client, their_server)
        stranger = listener(settings(other)).client_context()
        assert isinstance(stranger, ssl.SSLContext)
        with pytest.raises(ssl.SSLError):
            shake_hands(stranger, server)
    (tmp_path / OWN).write_bytes(b"half of a")
    last = listener(settings("jks")).client_context()
    assert isinstance(last, ssl.SSLContext)
    shake_hands(last, server)


@pytest.mark.parametrize("form", FORMS)
def test_a_workers_listener_shows_and_trusts_what_is_in_java_stores(form: str) -> None:
    given = {f"listeners.https.{name}": value for name, value in settings(form).items()}
    given |= {"listeners": "https://127.0.0.1:8443", "listeners.https.ssl.client.auth": "required"}
    config = read_worker({f"SINK_{name.upper().replace('.', '_')}": value for name, value in given.items()})
    client = config.rest.client_context()
    assert isinstance(client, ssl.SSLContext)
    shake_hands(client, served(settings(form)))
    assert all(
        b"BEGIN CERTIFICATE" in file.read_bytes()
        for file in config.certificate_files.values()
        if file is not None
    )


def test_a_copy_is_for_nobody_else_and_its_key_is_encrypted() -> None:
    for form in FORMS:
        store = KeyStore.named(settings(form), OWN)
        assert store is not None
        copy = store.pem()
        assert (stat.S_IMODE(copy.stat().st_mode), stat.S_IMODE(copy.parent.stat().st_mode)) == (0o600, 0o700)
        assert b"BEGIN ENCRYPTED PRIVATE KEY" in copy.read_bytes()
        assert PASSWORD not in repr(store)


def test_a_pem_file_is_taken_as_it_is(tmp_path: Path) -> None:
    file = Authority(tmp_path).make().certificate
    assert KeyStore(file=file).pem() == KeyStore(file=file, kind="pem").pem() == file


def test_a_store_that_is_renewed_is_read_again(tmp_path: Path) -> None:
    store = KeyStore(file=tmp_path / "store", password=PASSWORD)
    shutil.copy(STORES / "trusted.jks", store.file)
    first = store.pem()
    assert store.pem() == first
    shutil.copy(STORES / "trusted.p12", store.file)
    assert store.pem() != first
    # Made by Java of two pairs of keys.
    assert store.read_bytes() != first.read_bytes()


@pytest.mark.parametrize(
    ("file", "changed", "said"),
    [
        ("own.jks", {"password": "wrong"}, "its password is another one"),
        ("own.p12", {"password": "wrong"}, "its password is another one"),
        ("own.jks", {"key_password": "wrong"}, "the key in it cannot be read: its password is another one"),
        ("own.jks", {"kind": "JCEKS"}, "is of type JCEKS; known are PEM, PKCS12, JKS"),
        ("../test_key_stores.py", {"kind": "JKS"}, "is no JKS store"),
    ],
)
def test_a_store_that_cannot_be_read_says_why(file: str, changed: dict[str, str], said: str) -> None:
    given = {"password": PASSWORD, "key_password": "other-one"} | changed
    with pytest.raises(ValueError, match=said):
        KeyStore(file=STORES / file, **given).pem()


@pytest.mark.parametrize("form", FORMS)
def test_a_store_that_is_cut_off_or_changed_anywhere_is_refused(tmp_path: Path, form: str) -> None:
    whole = (STORES / f"own.{form}").read_bytes()
    store = KeyStore(file=tmp_path / "store", password=PASSWORD, key_password=KEY_PASSWORDS[form])
    for length in range(5, len(whole), 97):
        for damaged in (whole[:length], whole[:length] + bytes([whole[length] ^ 1]) + whole[length + 1 :]):
            store.file.write_bytes(damaged)
            with pytest.raises(ValueError, match=r"."):
                store.pem()


def test_whom_a_store_of_java_trusts_is_read_without_a_password() -> None:
    assert b"BEGIN CERTIFICATE" in KeyStore(file=STORES / "trusted.jks").read_bytes()


def test_what_cannot_be_read_names_the_key_of_its_store() -> None:
    given = settings("jks") | {f"{OWN}.password": "wrong", "security.protocol": "SSL"}
    with pytest.raises(ConfigError) as refused:
        consumer_options(given, bootstrap_servers="b:1", group_id="g")
    assert refused.value.problems == {
        f"consumer.override.{OWN}.location": ["cannot be read: its password is another one, or it is damaged"]
    }
