"""What a connector's `consumer.override.*` keys and the worker's settings make of aiokafka's options."""

import re
import ssl
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from aiokafka.admin import AIOKafkaAdminClient

from sink_connector.config.consumer_keys import CONSUMER, SECURITY
from sink_connector.errors import ConfigError
from sink_connector.key_stores import OWN, TRUSTED, KeyStore, why_unreadable
from sink_connector.runtime.kafka_login import (
    OAUTHBEARER,
    OAUTHBEARER_KEYS,
    jaas_options,
    token_provider,
)
from sink_connector.tls_files import reread

T = TypeVar("T")

# What else of security is honoured or means nothing here.
HONOURED = frozenset(
    {
        "sasl.jaas.config", "ssl.endpoint.identification.algorithm", "ssl.key.password", "ssl.keystore.location",
        "ssl.keystore.password", "ssl.keystore.type", "ssl.truststore.certificates", "ssl.truststore.location",
        "ssl.truststore.type",
        "ssl.cipher.suites", "ssl.client.auth", "ssl.enabled.protocols", "ssl.keymanager.algorithm", "ssl.protocol",
        "ssl.secure.random.implementation", "ssl.trustmanager.algorithm", "ssl.truststore.password",
        *OAUTHBEARER_KEYS,
    }
)  # fmt: skip
WORDS = {
    "auto.offset.reset": ("earliest", "latest", "none"),
    "isolation.level": ("read_committed", "read_uncommitted"),
}
LAST_PORT, KAFKAS_PORT = 65_535, 9092
# Behind the name of a listener, which means nothing to a client.
_SERVER = re.compile(r"(?:\w+://)?(\[[0-9A-Fa-f:.%]+\]|[\w.-]+)(?::(\d{1,5}))?", re.ASCII)
PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTHBEARER)
CLIENT = (
    "bootstrap_servers",
    "client_id",
    "request_timeout_ms",
    "retry_backoff_ms",
    "metadata_max_age_ms",
    "connections_max_idle_ms",
    "security_protocol",
    "ssl_context",
    "sasl_mechanism",
    "sasl_plain_username",
    "sasl_plain_password",
    "sasl_oauth_token_provider",
)

DEFAULTS: dict[str, Any] = {
    "isolation_level": "read_committed",
    "auto_offset_reset": "earliest",
    "max_partition_fetch_bytes": 512 * 1024,  # compressed; a larger batch is fetched all the same
    "fetch_max_wait_ms": 500,
    "session_timeout_ms": 10_000,
    "heartbeat_interval_ms": 500,  # how long a member does not know that the group is dealing out partitions anew
    "metadata_max_age_ms": 60_000,
}


def consumer_options(
    overrides: Mapping[str, str], *, bootstrap_servers: str, group_id: str
) -> dict[str, Any]:
    """Options for an aiokafka consumer; unknown names are left out.

    Raises:
        ConfigError: For a value of the wrong type, and for certificates that cannot be read.
    """
    options = DEFAULTS | {"bootstrap_servers": bootstrap_servers, "group_id": group_id}
    problems: dict[str, list[str]] = {}
    for name, value in overrides.items():
        if name not in CONSUMER:
            continue
        try:
            options[CONSUMER[name].option] = CONSUMER[name].read(value.strip())
        except ValueError as error:
            problems[f"consumer.override.{name}"] = [f"is {value!r}, it {error}"]
    if not options["group_id"] and "group.id" in overrides:
        problems["consumer.override.group.id"] = ["is empty, and a group has a name"]
    problems |= _too_slow(options, overrides) | _unknown_words(options) | _not_honoured(overrides)
    try:
        options["bootstrap_servers"] = _servers(str(options["bootstrap_servers"]))
    except ValueError as error:
        own = "bootstrap.servers" in overrides
        problems["consumer.override.bootstrap.servers" if own else "bootstrap.servers"] = [str(error)]
    for step in (_login, _ssl_context):
        try:
            options |= step(overrides)
        except ConfigError as error:
            problems |= error.problems
    if problems:
        raise ConfigError(problems)
    return options


def _servers(written: str) -> str:
    """A list of servers as Kafka's own clients read it. Raises `ValueError`."""
    found = [_SERVER.fullmatch(each.strip()) for each in written.split(",") if each.strip()]
    if not found or any(each is None or int(each[2] or 0) > LAST_PORT for each in found):
        raise ValueError(f"is {written!r}, it must be a list of host:port")
    return ",".join(f"{each[1]}:{each[2] or KAFKAS_PORT}" for each in found if each is not None)


def _too_slow(options: Mapping[str, Any], overrides: Mapping[str, str]) -> dict[str, list[str]]:
    """A member whose heart beats no faster than its session ends is thrown out of its group again and again."""
    beat, session = options["heartbeat_interval_ms"], options["session_timeout_ms"]
    if beat < session:
        return {}
    said = f"heartbeat.interval.ms={beat} must be less than session.timeout.ms={session}"
    named = [name for name in ("heartbeat.interval.ms", "session.timeout.ms") if name in overrides]
    return {f"consumer.override.{name}": [f"cannot be used: {said}"] for name in named}


def _unknown_words(options: dict[str, Any]) -> dict[str, list[str]]:
    """What is wrong with values that are one of a few words; those that are get the spelling that is known."""
    problems = {}
    for name, words in WORDS.items():
        option = CONSUMER[name].option
        options[option] = options[option].lower()
        if options[option] not in words:
            problems[f"consumer.override.{name}"] = [
                f"is {options[option]!r}, it must be one of {', '.join(words)}"
            ]
    return problems


def _not_honoured(overrides: Mapping[str, str]) -> dict[str, list[str]]:
    """What is asked for and cannot be had: left out in silence, it would be missing when it is needed."""
    problems = {
        name: "is not known here, and security that was asked for is not left out"
        for name in overrides
        if name.startswith(SECURITY) and name not in CONSUMER and name not in HONOURED
    }
    for name, known in (("security.protocol", PROTOCOLS), ("sasl.mechanism", MECHANISMS)):
        written = overrides.get(name, known[0]).strip()
        if written not in known:
            problems[name] = f"is {written!r}; known are {', '.join(known)}"
    return {f"consumer.override.{name}": [problem] for name, problem in problems.items()}


def _login(overrides: Mapping[str, str]) -> dict[str, Any]:
    """User and password, or what gives tokens, out of Connect's ways to say them."""
    if overrides.get("sasl.mechanism", "").strip() == OAUTHBEARER:
        return {"sasl_oauth_token_provider": token_provider(overrides)}
    problems = {
        f"consumer.override.{name}": [f"needs sasl.mechanism={OAUTHBEARER}"]
        for name in overrides
        if name in OAUTHBEARER_KEYS
    }
    if problems:
        raise ConfigError(problems)
    written = overrides.get("sasl.jaas.config", "").strip()
    if not written:
        return {}
    found = jaas_options(written)
    if not {"username", "password"} <= found.keys():
        raise ConfigError(
            {
                "consumer.override.sasl.jaas.config": [
                    "must name a username and a password; other log-ins are not supported"
                ]
            }
        )
    return {"sasl_plain_username": found["username"], "sasl_plain_password": found["password"]}


def _ssl_context(overrides: Mapping[str, str]) -> dict[str, Any]:
    if not overrides.get("security.protocol", "").strip().upper().endswith("SSL"):
        return {}
    trust, own = KeyStore.named(overrides, TRUSTED), KeyStore.named(overrides, OWN)
    written = overrides.get("ssl.truststore.certificates")

    def trusting() -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=trust.pem() if trust else None, cadata=written)
        if overrides.get("ssl.endpoint.identification.algorithm", "https").strip() == "":
            context.check_hostname = False
        return context

    def showing() -> ssl.SSLContext:
        context = trusting()
        if own is not None:
            context.load_cert_chain(own.pem(), password=own.password_of_key)
        return context

    _read(TRUSTED, trusting)
    files = (store.file for store in (trust, own) if store is not None)
    return {"ssl_context": _read(OWN, lambda: reread(showing, *files))}


def _read(store: str, step: Callable[[], T]) -> T:
    try:
        return step()
    except (OSError, ValueError) as error:
        problem = f"cannot be read: {why_unreadable(error)}"
        raise ConfigError({f"consumer.override.{store}.location": [problem]}) from error


def client_options(consumer: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a consumer's options that any client of the same cluster takes."""
    return {name: value for name, value in consumer.items() if name in CLIENT}


async def cluster_id(client: Mapping[str, Any]) -> str:
    """The id of the cluster that these options lead to."""
    admin = AIOKafkaAdminClient(**client)
    await admin.start()
    try:
        described = await admin.describe_cluster()
    finally:
        await admin.close()
    return str(described["cluster_id"])
