"""What a worker process is told: by its environment, and by a properties file as a Kafka Connect worker has it.

Both speak of the same settings: `SINK_CONFIG_STORAGE_TOPIC` is `config.storage.topic`. The environment goes before the file.
"""

import difflib
import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import javaproperties

from sink_connector.certificates import Files
from sink_connector.config.consumer_keys import CONSUMER, INT_MAX, SECURITY
from sink_connector.config.numbers import whole_number
from sink_connector.config.overrides import OverridePolicy, read_override_policy
from sink_connector.config.providers import (
    ConfigProviders,
    UnresolvedError,
    read_providers,
)
from sink_connector.config.rest_security import AN_ADDRESS, LISTENER, RestSecurity, read_rest_security
from sink_connector.errors import ConfigError
from sink_connector.key_stores import OWN, TRUSTED, KeyStore

PREFIX = "SINK_"
EVERYWHERE = {"0.0.0.0", "::", ""}  # noqa: S104 - addresses to listen at, none that another worker could call
CONVERTERS = ("key.converter", "value.converter", "header.converter")
LAST_PORT, SHORT_MAX = 65_535, 2**15 - 1

# What a Connect worker is told by, too, and what changes nothing here, one by one and by how it begins.
WITHOUT_EFFECT = frozenset(
    {
        "header.converter", "client.dns.lookup", "client.id", "connect.protocol", "connections.max.idle.ms",
        "exactly.once.source.support", "metadata.max.age.ms", "metadata.recovery.rebootstrap.trigger.ms", "metadata.recovery.strategy",
        "metric.reporters", "plugin.discovery", "plugin.path", "receive.buffer.bytes", "reconnect.backoff.max.ms", "reconnect.backoff.ms",
        "request.timeout.ms", "response.http.headers.config", "retry.backoff.max.ms", "retry.backoff.ms", "rest.advertised.listener",
        "scheduled.rebalance.max.delay.ms", "send.buffer.bytes", "socket.connection.setup.timeout.max.ms",
        "socket.connection.setup.timeout.ms", "task.shutdown.graceful.timeout.ms", "topic.creation.enable",
        "worker.sync.timeout.ms", "worker.unsync.backoff.ms", "auto.include.jmx.reporter",
    }
)  # fmt: skip
FAMILIES_WITHOUT_EFFECT = (
    "header.converter.", "producer.", "admin.", "offset.", "metrics.", "inter.worker.", "internal.", "access.control.",
)  # fmt: skip
SETTINGS = WITHOUT_EFFECT | {
    "allowed.hosts", "max.connections",
    "bootstrap.servers", "config.providers", "config.storage.partitions", "config.storage.replication.factor",
    "config.storage.topic", "group.id", "heartbeat.interval.ms", "listeners", "log.level", "rebalance.timeout.ms",
    "rest.basic.auth.file", "rest.advertised.host.name", "rest.advertised.port", "rest.host", "rest.host.name", "rest.port",
    "session.timeout.ms", "status.storage.partitions", "status.storage.replication.factor", "status.storage.topic",
    "key.converter", "value.converter", "topic.tracking.allow.reset", "topic.tracking.enable", "admin.listeners",
    "connector.client.config.override.allowlist", "connector.client.config.override.policy", "rest.extension.classes",
}  # fmt: skip
FAMILIES = (
    *SECURITY, *FAMILIES_WITHOUT_EFFECT, "key.converter.", "value.converter.", "consumer.", "config.providers.", "listeners.",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageTopic:
    """A compacted topic that the workers of a group keep something in. A replication factor of -1 is the brokers' default."""

    setting: str
    name: str
    partitions: int
    replication_factor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """The settings of a worker; times are in milliseconds. `advertised` is `host:port`, and its id in the group.

    It listens at `rest_host` and `rest_port`, and at `further_listeners`; `address_settings` say so. `overridden` are settings
    that were written and another one goes before.
    """

    bootstrap_servers: str = "127.0.0.1:9092"
    rest_host: str = "127.0.0.1"
    rest_port: int = 8083
    further_listeners: tuple[tuple[str, int], ...] = ()
    address_settings: tuple[str, ...] = ("rest.host", "rest.port")
    overridden: Mapping[str, str] = field(default_factory=dict)
    advertised: str = "127.0.0.1:8083"
    allowed_hosts: frozenset[str] = frozenset()
    max_connections: int = 512
    log_level: str = "INFO"
    group_id: str = "sink-connector"
    session_timeout_ms: int = 10_000
    heartbeat_interval_ms: int = 500
    rebalance_timeout_ms: int = 60_000
    configs: StorageTopic = StorageTopic(
        setting="config.storage.topic", name="sink-connector-configs", partitions=1, replication_factor=3
    )
    statuses: StorageTopic = StorageTopic(
        setting="status.storage.topic", name="sink-connector-status", partitions=5, replication_factor=3
    )
    security: Mapping[str, str] = field(default_factory=dict, repr=False)
    consumer: Mapping[str, str] = field(default_factory=dict, repr=False)
    converters: Mapping[str, str] = field(default_factory=dict)
    providers: ConfigProviders = field(default_factory=ConfigProviders)
    rest: RestSecurity = field(default_factory=RestSecurity)
    overrides: OverridePolicy = field(default_factory=OverridePolicy)
    serves_log_levels: bool = True
    tells_topics: bool = True
    forgets_topics: bool = True

    @property
    def identity(self) -> str:
        """What no other worker is called that runs at the same time: the place where only one process can listen."""
        return f"{socket.gethostname()}/{self.rest_host}:{self.rest_port}"

    @property
    def listeners(self) -> tuple[tuple[str, int], ...]:
        """The hosts and ports at which the REST interface answers."""
        return ((self.rest_host, self.rest_port), *self.further_listeners)

    @property
    def hosts(self) -> frozenset[str]:
        """The names by which this worker may be called: those allowed, those it listens at, and the one it tells the others."""
        named = {host for host, _ in self.listeners} - EVERYWHERE
        return self.allowed_hosts | named | {self.advertised.rpartition(":")[0].strip("[]")}

    @property
    def certificate_files(self) -> Files:
        """The files with certificates of the REST interface and for the brokers, by the setting that names each."""
        brokers = {f"{store}.location": KeyStore.named(self.security, store) for store in (TRUSTED, OWN)}
        rest = {
            f"{LISTENER}{OWN}.location": self.rest.own,
            f"{LISTENER}{TRUSTED}.location": self.rest.truststore,
        }
        return {**brokers, **rest}

    def completed(self, connector: Mapping[str, str | None]) -> dict[str, str]:
        """A connector's configuration with the worker's converters for those it does not name itself; nulls left out."""
        given = {name: value for name, value in connector.items() if value is not None}
        inherited = {
            name: value
            for name, value in self.converters.items()
            if not any(kind in given and (name == kind or name.startswith(f"{kind}.")) for kind in CONVERTERS)
        }
        return inherited | given


DEFAULT = WorkerConfig()


def read_worker(environment: Mapping[str, str] = os.environ, *, file: Path | None = None) -> WorkerConfig:
    """The settings of the environment and the file, each with a default.

    What Connect has and a sink worker has no use for (`offset.storage.topic`, `plugin.path` …) is accepted and ignored.

    Raises:
        ConfigError: For a file that cannot be read, values of the wrong type and protection that is not there.
    """
    settings = _Settings(_written(environment, file))
    config = _config(settings, environment)
    if settings.problems:
        raise ConfigError(settings.problems)
    return config


@dataclass(frozen=True, slots=True)
class _Settings:
    """What was written, and what is wrong with it so far."""

    values: Mapping[str, str]
    problems: dict[str, list[str]] = field(default_factory=dict)

    def text(self, name: str, default: str) -> str:
        return self.values.get(name, default)

    def number(self, name: str, default: int, *, least: int = 1, most: int = INT_MAX) -> int:
        try:
            number = whole_number(self.values[name].strip()) if name in self.values else default
        except ValueError:
            self.problems[name] = [f"is {self.values[name]!r}, it must be a whole number"]
            return default
        if least <= number <= most:
            return number
        self.problems[name] = [f"is {number}, it must be {least} to {most}"]
        return default

    def of_brokers(self, name: str, default: int, *, most: int) -> int:
        """A number of which -1 is the brokers' own."""
        is_theirs = self.values.get(name, "").strip() == "-1"
        return -1 if is_theirs else self.number(name, default, most=most)

    def session(self) -> tuple[int, int]:
        """How long a member of the group may say nothing, and how often it says that it is there."""
        session = self.number("session.timeout.ms", DEFAULT.session_timeout_ms)
        beat = self.number("heartbeat.interval.ms", DEFAULT.heartbeat_interval_ms)
        if beat >= session:
            said = (
                f"cannot be used: heartbeat.interval.ms={beat} must be less than session.timeout.ms={session}"
            )
            for name in ("heartbeat.interval.ms", "session.timeout.ms"):
                if name in self.values:
                    self.problems.setdefault(name, []).append(said)
        return session, beat

    def flag(self, name: str) -> bool:
        """True unless it is said to be false."""
        value = self.text(name, "true").strip().lower()
        if value not in {"true", "false"}:
            self.problems[name] = [f"is {value!r}, it must be true or false"]
        return value != "false"

    def port(self, name: str, default: int) -> int:
        return self.number(name, default, least=0, most=LAST_PORT)

    def listeners(self) -> tuple[tuple[str, int], ...]:
        port = self.port("rest.port", DEFAULT.rest_port)
        try:
            found = _listeners(self.values, port)
        except ValueError:
            self.problems["listeners"] = [f"is {self.values['listeners']!r}, it must be {AN_ADDRESS}"]
            return ((DEFAULT.rest_host, port),)
        return found[:1] if self.is_one_address else tuple(dict.fromkeys(found))

    @property
    def is_one_address(self) -> bool:
        """Whether a host or a port is named, which goes before those of the listeners."""
        return any(name in self.values for name in DEFAULT.address_settings)

    def overridden(self) -> dict[str, str]:
        """The listeners behind the first, where a single address goes before them."""
        is_several = "," in self.values.get("listeners", "").strip(", ")
        return {"listeners": "rest.host, rest.port"} if is_several and self.is_one_address else {}

    def servers(self) -> str:
        servers = self.text("bootstrap.servers", DEFAULT.bootstrap_servers)
        if not servers.strip(" ,"):
            self.problems["bootstrap.servers"] = [
                "is empty; it is a list of host:port (SINK_BOOTSTRAP_SERVERS)"
            ]
        return servers

    def storage(self, kind: str, default: StorageTopic) -> StorageTopic:
        return StorageTopic(
            setting=default.setting,
            name=self.text(default.setting, default.name),
            partitions=self.of_brokers(f"{kind}.storage.partitions", default.partitions, most=INT_MAX)
            if default.partitions > 1
            else self.number(f"{kind}.storage.partitions", 1, most=1),
            replication_factor=self.of_brokers(
                f"{kind}.storage.replication.factor", default.replication_factor, most=SHORT_MAX
            ),
        )

    def providers(self, environment: Mapping[str, str]) -> ConfigProviders:
        try:
            return read_providers(self.values, environment=environment)
        except ConfigError as error:
            self.problems.update(error.problems)
            return ConfigProviders()

    def rest(self) -> RestSecurity:
        try:
            return read_rest_security(self.values)
        except ConfigError as error:
            self.problems.update(error.problems)
            return RestSecurity()

    def overrides(self) -> OverridePolicy:
        try:
            return read_override_policy(self.values)
        except ConfigError as error:
            self.problems.update(error.problems)
            return OverridePolicy()

    def serves_log_levels(self) -> bool:
        """Not where Connect would have them nowhere, or at another address than the one this worker listens at."""
        listeners = self.values.get("listeners", "")
        return self.values.get("admin.listeners", listeners).strip() == listeners.strip()

    def beginning_with(self, *prefixes: str) -> dict[str, str]:
        return {name: value for name, value in self.values.items() if name.startswith(prefixes)}


def _config(settings: _Settings, environment: Mapping[str, str]) -> WorkerConfig:
    """Each setting as it was written, or its default; what cannot be used becomes a problem of `settings`."""
    (host, port), *further = settings.listeners()
    session, beat = settings.session()
    consumer = settings.beginning_with("consumer.")
    return WorkerConfig(
        bootstrap_servers=settings.servers(),
        rest_host=host,
        rest_port=port,
        further_listeners=tuple(further),
        address_settings=DEFAULT.address_settings
        if settings.is_one_address or "listeners" not in settings.values
        else ("listeners",),
        overridden=settings.overridden(),
        advertised=_advertised(settings.values, host, settings.port("rest.advertised.port", port)),
        allowed_hosts=frozenset(filter(None, map(str.strip, settings.text("allowed.hosts", "").split(",")))),
        max_connections=settings.number("max.connections", DEFAULT.max_connections),
        log_level=settings.text("log.level", DEFAULT.log_level),
        group_id=settings.text("group.id", DEFAULT.group_id),
        session_timeout_ms=session,
        heartbeat_interval_ms=beat,
        rebalance_timeout_ms=settings.number("rebalance.timeout.ms", DEFAULT.rebalance_timeout_ms),
        configs=settings.storage("config", DEFAULT.configs),
        statuses=settings.storage("status", DEFAULT.statuses),
        security=settings.beginning_with(*SECURITY),
        consumer={name.removeprefix("consumer."): value for name, value in consumer.items()},
        converters=settings.beginning_with(*CONVERTERS),
        providers=settings.providers(environment),
        rest=settings.rest(),
        overrides=settings.overrides(),
        serves_log_levels=settings.serves_log_levels(),
        tells_topics=settings.flag("topic.tracking.enable"),
        forgets_topics=settings.flag("topic.tracking.allow.reset"),
    )


def unknown_settings(file: Path | None) -> dict[str, str | None]:
    """The settings of a file that neither this worker nor a Connect worker knows, each with the one perhaps meant."""
    if file is None:
        return {}
    unknown = [name for name in _read_file(file) if name not in SETTINGS and not name.startswith(FAMILIES)]
    return {
        name: next(iter(difflib.get_close_matches(name, SETTINGS, n=1, cutoff=0.75)), None)
        for name in unknown
    }


def settings_without_effect(file: Path | None) -> list[str]:
    """The settings of a file that a Connect worker knows and that change nothing here, in order."""

    def is_idle(name: str) -> bool:
        consumer = name.removeprefix("consumer.") if name.startswith("consumer.") else None
        unread = consumer is not None and consumer not in CONSUMER and not consumer.startswith(SECURITY)
        return unread or (
            name not in SETTINGS - WITHOUT_EFFECT
            and (name in WITHOUT_EFFECT or name.startswith(FAMILIES_WITHOUT_EFFECT))
        )

    return [] if file is None else sorted(filter(is_idle, _read_file(file)))


def _read_file(file: Path) -> dict[str, str]:
    """A file as Java reads it, but in UTF-8 where it is that, with a byte order mark or without. Raises `OSError` and `ValueError`."""
    data = file.read_bytes()
    if b"\0" in data:
        raise ValueError("it is not UTF-8, or no text")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")  # as Java reads every such file
    written = javaproperties.loads(text)
    return {name: value.strip() for name, value in written.items()}  # as Connect does with nearly all of them


def _written(environment: Mapping[str, str], file: Path | None) -> dict[str, str]:
    values: dict[str, str] = {}
    if file is not None:
        try:
            values = _read_file(file)
            providers = ConfigProviders(environment=environment).unrestricted()
            values = {name: providers.resolve(value) for name, value in values.items()}
        except (OSError, ValueError, UnresolvedError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigError({str(file): [f"cannot be read: {reason}"]}) from error
    named = {
        name.removeprefix(PREFIX).lower().replace("_", "."): value
        for name, value in environment.items()
        if name.startswith(PREFIX)
    }
    return values | named


def _listeners(values: Mapping[str, str], port: int) -> tuple[tuple[str, int], ...]:
    """Where to listen: `rest.host` and `rest.port`, or each of Connect's `listeners`. Raises `ValueError`."""
    written = [each.strip() for each in values.get("listeners", "").split(",") if each.strip()]
    unnamed = values.get("rest.host.name", "") or DEFAULT.rest_host  # older workers' name of it
    return tuple(
        (
            values.get("rest.host", each.hostname or ("0.0.0.0" if each.scheme else unnamed)),  # noqa: S104 - an empty listener host is every interface
            port if "rest.port" in values else each.port or port,
        )
        for each in map(urlsplit, written or [""])
    )


def _advertised(values: Mapping[str, str], host: str, port: int) -> str:
    """Where the other workers and the clients find this one; it is the worker's id too."""
    reachable = socket.gethostname() if host in EVERYWHERE else host
    name = values.get("rest.advertised.host.name", reachable)
    return f"[{name}]:{port}" if ":" in name and not name.startswith("[") else f"{name}:{port}"
