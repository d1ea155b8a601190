"""How a client of Kafka logs in, out of Connect's spelling: the options of a JAAS entry, and OAUTHBEARER's tokens."""

import re
import ssl
from collections.abc import Mapping
from urllib.parse import quote_plus, urlsplit

from sink_connector.errors import ConfigError
from sink_connector.key_stores import TRUSTED, KeyStore, why_unreadable
from sink_connector.runtime.client_credentials import ClientCredentials
from sink_connector.tls_files import reread

OAUTHBEARER = "OAUTHBEARER"
ENDPOINT, SCOPE, URLENCODE, RETRIEVER, HANDLER = (
    "sasl.oauthbearer.token.endpoint.url",
    "sasl.oauthbearer.scope",
    "sasl.oauthbearer.header.urlencode",
    "sasl.oauthbearer.jwt.retriever.class",
    "sasl.login.callback.handler.class",
)
CLIENT_ID, CLIENT_SECRET = (f"sasl.oauthbearer.client.credentials.client.{name}" for name in ("id", "secret"))
OAUTHBEARER_KEYS = frozenset({ENDPOINT, SCOPE, URLENCODE, RETRIEVER, HANDLER, CLIENT_ID, CLIENT_SECRET})

_PACKAGE = "org.apache.kafka.common.security.oauthbearer"
# What does in Kafka's own clients what is done here: theirs of 3.x, of 4.0, and those that one may choose since 4.1.
_CLASSES = {
    HANDLER: {
        f"{_PACKAGE}.OAuthBearerLoginCallbackHandler",
        f"{_PACKAGE}.secured.OAuthBearerLoginCallbackHandler",
    },
    RETRIEVER: {f"{_PACKAGE}.DefaultJwtRetriever", f"{_PACKAGE}.ClientCredentialsJwtRetriever"},
}
_JAAS_OPTION = re.compile(r"""([\w.]+)\s*=\s*("((?:\\.|[^"\\])*)"|([^\s;"]+))""")
_FURTHER = "extension_"
_TRUST = f"{TRUSTED}.location"
_OF_TOKENS = frozenset(
    {"clientId", "clientSecret", "scope", _TRUST, f"{TRUSTED}.type", f"{TRUSTED}.password"}
)


def jaas_options(written: str) -> dict[str, str]:
    """The options of a JAAS entry, `<module> required username="me" password="a b";`, where a backslash escapes."""
    found = {match[1]: match[3] or match[4] or "" for match in _JAAS_OPTION.finditer(written)}
    return {name: re.sub(r"\\(.)", r"\1", value) for name, value in found.items()}


def token_provider(overrides: Mapping[str, str]) -> ClientCredentials:
    """What gives tokens for these keys of a client. Nothing is asked for yet.

    Raises:
        ConfigError: For what is missing, and for what is asked for and cannot be had.
    """
    written = overrides.get("sasl.jaas.config", "").strip()
    options = jaas_options(written)
    client_id = overrides.get(CLIENT_ID) or options.get("clientId", "")
    client_secret = overrides.get(CLIENT_SECRET) or options.get("clientSecret", "")
    encoded = overrides.get(URLENCODE, "").strip().lower() == "true"
    problems = _problems(overrides, options, written)
    if not (client_id and client_secret):
        problems[CLIENT_ID] = (
            f"is missing, or {CLIENT_SECRET} is; clientId and clientSecret of a JAAS entry do as well"
        )
    if problems:
        raise ConfigError({f"consumer.override.{name}": [problem] for name, problem in problems.items()})
    login = (quote_plus(client_id), quote_plus(client_secret)) if encoded else (client_id, client_secret)
    return ClientCredentials(
        endpoint=overrides[ENDPOINT].strip(),
        login=lambda: login,
        scope=overrides.get(SCOPE) or options.get("scope"),
        verify=_trusted(options),
        further={
            name.removeprefix(_FURTHER): value for name, value in options.items() if name.startswith(_FURTHER)
        },
    )


def _problems(overrides: Mapping[str, str], options: Mapping[str, str], written: str) -> dict[str, str]:
    problems: dict[str, str] = {}
    endpoint = overrides.get(ENDPOINT, "").strip()
    if not endpoint:
        problems[ENDPOINT] = f"is missing; {OAUTHBEARER} gets its tokens there"
    elif urlsplit(endpoint).scheme not in {"https", "http"} or not urlsplit(endpoint).hostname:
        problems[ENDPOINT] = "must be an https address; tokens in files are not read"
    for name, known in _CLASSES.items():
        if overrides.get(name) and overrides[name].strip() not in known:
            problems[name] = f"is {overrides[name]}; known are {', '.join(sorted(known))}"
    unknown = [name for name in options if name not in _OF_TOKENS and not name.startswith(_FURTHER)]
    if written and "OAuthBearerLoginModule" not in written:
        problems["sasl.jaas.config"] = f"must name OAuthBearerLoginModule for {OAUTHBEARER}"
    elif unknown:
        problems["sasl.jaas.config"] = f"has options that are not known here: {', '.join(unknown)}"
    return problems


def _trusted(options: Mapping[str, str]) -> ssl.SSLContext | bool:
    """Whom the token endpoint has to be vouched for by: the JAAS entry's, or the system's authorities."""
    store = KeyStore.named(options, TRUSTED)
    if store is None:
        return True
    try:
        return reread(lambda: ssl.create_default_context(cafile=store.pem()), store.file)
    except (OSError, ValueError) as error:
        reason = why_unreadable(error)
        raise ConfigError(
            {"consumer.override.sasl.jaas.config": [f"names a {_TRUST} that cannot be read: {reason}"]}
        ) from error
