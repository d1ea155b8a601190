"""How a worker keeps others out of its REST interface: https and basic authentication, as a Connect worker spells them.

`listeners.https.ssl.…` goes before `ssl.…`, as in Connect. What is asked for and cannot be had is an error at the start.
"""

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hmac import compare_digest
from pathlib import Path
from urllib.parse import urlsplit

import javaproperties

from sink_connector.errors import ConfigError
from sink_connector.key_stores import OWN, TRUSTED, KeyStore, why_unreadable
from sink_connector.tls_files import reread

LISTENER = "listeners.https."
BASIC_AUTH = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension"
USERS_FILE = "rest.basic.auth.file"
"""Where Connect's log-in module has its properties file; Java names it in a system property, which is not read here."""
AN_ADDRESS = "http://host:port, or https"
ASKS = {"none": ssl.CERT_NONE, "requested": ssl.CERT_OPTIONAL, "required": ssl.CERT_REQUIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class RestSecurity:
    """`own` holds key and certificates; without it the interface speaks http.

    `truststore` holds those who sign the certificates of the other workers and, where `asks_clients` is not `none`, of the
    clients. `users_file` has `name=password` lines; without it nobody is asked.
    """

    own: KeyStore | None = None
    truststore: KeyStore | None = None
    asks_clients: str = "none"
    users_file: Path | None = None

    @property
    def asks(self) -> bool:
        """Whether a client has to prove who it is."""
        return self.users_file is not None or self.asks_clients == "required"

    @property
    def scheme(self) -> str:
        """What the address of the interface begins with."""
        return "https" if self.own else "http"

    @property
    def trusted(self) -> Path | None:
        """The file that names those who are trusted."""
        return None if self.truststore is None else self.truststore.file

    def server_context(self) -> ssl.SSLContext | None:
        """What the interface shows and asks for, by its files as they are at each connection; None for http."""
        if self.own is None:
            return None

        def make() -> ssl.SSLContext:
            context = self._showing(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            context.verify_mode = ASKS[self.asks_clients]
            if self.truststore is not None:
                context.load_verify_locations(self.truststore.pem())
            return context

        return reread(make, self.own.file, self.trusted)

    def client_context(self) -> ssl.SSLContext | bool:
        """What a client of the other workers takes as `verify`; it shows them this worker's own certificate."""
        if self.own is None:
            return True

        def make() -> ssl.SSLContext:
            trusted = None if self.truststore is None else self.truststore.pem()
            return self._showing(ssl.create_default_context(cafile=trusted))

        return reread(make, self.own.file, self.trusted)

    def _showing(self, context: ssl.SSLContext) -> ssl.SSLContext:
        if self.own is not None:
            context.load_cert_chain(self.own.pem(), password=self.own.password_of_key or None)
        return context

    def knows(self, user: str, password: str) -> bool:
        """Whether these are a user's. The file is read each time, so that users may change. Raises `OSError`."""
        if self.users_file is None:
            return True
        known = javaproperties.loads(self.users_file.read_text(encoding="utf-8-sig"))
        kept = known.get(user)
        given, expected = (each.encode(errors="surrogatepass") for each in (password, kept or ""))
        return compare_digest(expected, given) and bool(kept)


def read_rest_security(values: Mapping[str, str]) -> RestSecurity:
    """What the settings of a worker say.

    Raises:
        ConfigError: protection that is asked for and cannot be had.
    """
    problems: dict[str, list[str]] = {}
    listeners = [each.strip() for each in values.get("listeners", "").split(",") if each.strip()]
    try:
        schemes = {urlsplit(each).scheme.lower() for each in listeners}
    except ValueError:
        raise ConfigError({"listeners": [f"is {values['listeners']!r}, it must be {AN_ADDRESS}"]}) from None
    if "https" in schemes and schemes != {"https"}:
        problems["listeners"] = [
            "asks for http beside https; a worker speaks one of them at all of its addresses"
        ]
    if unknown := schemes - {"http", "https"}:
        problems["listeners"] = [f"asks for {min(unknown)!r}, which is not served here"]
    users_file = _users_file(values, problems)
    tls = _tls(values, problems) if "https" in schemes else RestSecurity()
    if problems:
        raise ConfigError(problems)
    security = replace(tls, users_file=users_file)
    try:
        security.client_context()
        security.knows("", "")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        key = f"{LISTENER}{OWN}.location" if security.own else USERS_FILE
        raise ConfigError({key: [f"cannot be read: {reason}"]}) from error
    return security


def _users_file(values: Mapping[str, str], problems: dict[str, list[str]]) -> Path | None:
    extensions = {each.strip() for each in values.get("rest.extension.classes", "").split(",")} - {""}
    if others := extensions - {BASIC_AUTH}:
        problems["rest.extension.classes"] = [
            f"names the Java class {min(others)}, which is not run here; known is {BASIC_AUTH}"
        ]
    written = values.get(USERS_FILE, "").strip()
    if BASIC_AUTH in extensions and not written:
        problems[USERS_FILE] = [
            "is required by rest.extension.classes: the properties file with name=password lines"
        ]
    return Path(written) if written else None


def _tls(values: Mapping[str, str], problems: dict[str, list[str]]) -> RestSecurity:
    given = {name: value.strip() for name, value in values.items() if not name.startswith(LISTENER)}
    given |= {
        name.removeprefix(LISTENER): value.strip()
        for name, value in values.items()
        if name.startswith(LISTENER)
    }
    asks = given.get("ssl.client.auth", "none").lower()
    if asks not in ASKS:
        problems[f"{LISTENER}ssl.client.auth"] = [f"is {asks!r}; known are {', '.join(ASKS)}"]
    own, trusted = (_store(given, name, problems) for name in (OWN, TRUSTED))
    if asks in ASKS and asks != "none" and trusted is None:
        problems[f"{LISTENER}{TRUSTED}.location"] = ["is required by ssl.client.auth"]
    if own is None:
        problems[f"{LISTENER}{OWN}.location"] = [
            "is required by https: a file of key and certificates, PEM, PKCS12 or JKS"
        ]
    return RestSecurity(
        own=own,
        truststore=trusted,
        asks_clients=asks if asks in ASKS else "none",
    )


def _store(given: Mapping[str, str], name: str, problems: dict[str, list[str]]) -> KeyStore | None:
    """A store that can be read; one that cannot is a problem, and is returned all the same."""
    store = KeyStore.named(given, name)
    try:
        if store is not None:
            store.pem()
    except (OSError, ValueError) as error:
        problems[f"{LISTENER}{name}.location"] = [f"cannot be read: {why_unreadable(error)}"]
    return store
