"""The stack as data: every part, what runs it, when it is ready, what it comes after."""

import json
import ssl
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from auditor.target import Target
from demo.environment import base_environment, own_settings
from demo.home import REPOSITORY, Home
from demo.observers import Observers
from demo.read_database import ReadDatabase, read_database
from demo.security import StackSecurity
from demo.supervisor.commands import Command
from demo.supervisor.graph import Graph, Job, Part, Probe, Service
from devservers.issuer import DISCOVERY
from devservers.kafka import Broker, Node, cluster
from devservers.ports import HOST, ORDER_INSTANCES, Ports
from devservers.postgres import STOP_SIGNAL, PostgresInstall
from devservers.private_files import kept_password, private_directory

CONNECTORS = REPOSITORY / "infra" / "connectors"
SEED_JOB = REPOSITORY / "infra" / "docker" / "seed.py"
TOPICS_JOB = REPOSITORY / "infra" / "kafka" / "create_topics.py"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Addresses and secrets of one stack, and the graph of its parts."""

    home: Home
    ports: Ports
    brokers: int
    classpath: str
    postgres: PostgresInstall
    read: ReadDatabase
    peer_secret: str = field(repr=False)
    observers: Observers | None = None
    security: StackSecurity | None = None
    """None: whoever is on this machine may do everything."""

    @classmethod
    def of(  # noqa: PLR0913 - where it is kept, what it consists of
        cls,
        *,
        home: Home,
        ports: Ports,
        brokers: int,
        classpath: str,
        observe: bool = False,
        secure: bool = False,
    ) -> "Stack":
        """Describe the stack kept in `home`, making passwords that are not there yet."""
        security = StackSecurity.of(home=home, ports=ports) if secure else None
        postgres = PostgresInstall(
            directory=home.data / "postgres",
            port=ports.postgres,
            password=kept_password(home.secrets / "postgres"),
            authority=security.authority if security else None,
        )
        read = read_database(server=postgres, passwords=home.secrets)
        return cls(
            home=home,
            ports=ports,
            brokers=brokers,
            classpath=classpath,
            postgres=postgres,
            read=read,
            peer_secret=kept_password(home.secrets / "order_peers"),
            observers=Observers(home=home, ports=ports) if observe else None,
            security=security,
        )

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses, as clients take them."""
        return ",".join(f"{HOST}:{self.ports.broker(node)}" for node in range(1, self.brokers + 1))

    @property
    def scheme(self) -> str:
        """What the services' addresses begin with."""
        return "https" if self.security else "http"

    @property
    def verify(self) -> ssl.SSLContext | bool:
        """What a client of the services trusts, as httpx takes it."""
        return self.security.client_context if self.security else True

    @property
    def orders(self) -> dict[str, str]:
        """Base URL of each order instance."""
        return {
            f"order-{n}": f"{self.scheme}://{HOST}:{self.ports.order(n)}"
            for n in range(1, ORDER_INSTANCES + 1)
        }

    @property
    def catalog_url(self) -> str:
        """Base URL of the catalog."""
        return f"{self.scheme}://{HOST}:{self.ports.catalog}"

    @property
    def sink_url(self) -> str:
        """Base URL of the sink worker's REST."""
        return f"{self.scheme}://{HOST}:{self.ports.sink}"

    def order_database(self, instance: str) -> Path:
        """File of an order instance."""
        return self.home.data / instance / "orders.db"

    @property
    def audited(self) -> Target:
        """What an audit of this stack reads, whether or not it is up."""
        return Target(
            write_databases={name: f"sqlite:///{self.order_database(name)}" for name in self.orders},
            read_dsn=self.read.catalog_dsn,
            bootstrap=self.bootstrap,
            kafka_login=self.security.kafka_login() if self.security else {},
        )

    def described(self) -> dict[str, Any]:
        """What others need to know of it beside the state of its parts, passwords included (JSON)."""
        return {
            "brokers": self.brokers,
            "port_offset": self.ports.offset,
            "postgres": {
                "admin_dsn": self.postgres.admin_dsn,
                "read_dsn": self.read.owner_dsn,
                "sink_dsn": self.read.sink_dsn,
            },
            "kafka": {"bootstrap": self.bootstrap},
            "audit": self.audited.as_json(),
            "cafile": str(self.security.authority.certificate) if self.security else None,
        }

    def graph(self, http: httpx.AsyncClient) -> Graph:
        """Every part; probes use `http`."""
        parts: list[Part] = [*self._kafka(), *self._postgres(), *self._sink(http), *self._catalog(http)]
        for instance in self.orders:
            parts += self._order(instance, http)
        if self.security:
            parts.append(self._issuer(http, self.security))
        seed = Command(
            command=(sys.executable, str(SEED_JOB), *self.orders.values()),
            env=base_environment() | self._staff_env(),
        )
        parts.append(Job(name="seed", run=seed, after=frozenset(self.orders)))
        if self.observers is not None:
            targets = self.orders | {"catalog": self.catalog_url, "sink": self.sink_url}
            parts += self.observers.parts(targets, http)
        return Graph.of(parts)

    @property
    def kafka(self) -> tuple[Broker, ...]:
        """The brokers of the cluster."""
        nodes = [
            Node(id=n, port=self.ports.broker(n), controller_port=self.ports.controller(n))
            for n in range(1, self.brokers + 1)
        ]
        return cluster(
            directory=self.home.data / "kafka",
            nodes=nodes,
            classpath=self.classpath,
            security=self.security.kafka if self.security else None,
        )

    def _kafka(self) -> list[Part]:
        brokers = self.kafka
        parts: list[Part] = []
        for broker in brokers:
            storage = f"{broker.name}-storage"
            parts += [
                Job(name=storage, run=_Format(broker)),
                Service(
                    name=broker.name,
                    command=broker.run_command,
                    ready=broker.answers,
                    after=frozenset({storage}),
                    url=broker.bootstrap,
                    grace_s=15,
                ),
            ]
        words = ("--bootstrap", self.bootstrap, "--replication", str(self.brokers))
        topics = Command(
            command=(sys.executable, str(TOPICS_JOB), *words), env=base_environment() | self._topics_env()
        )
        started = frozenset(broker.name for broker in brokers)
        if security := self.security:

            async def allow(_: Path) -> None:
                await security.apply_acls(self.bootstrap)

            parts.append(Job(name="access-lists", run=allow, after=started))
            started |= {"access-lists"}
        parts.append(Job(name="topics", run=topics, after=started))
        return parts

    def _topics_env(self) -> dict[str, str]:
        if self.security is None:
            return {}
        login = self.security.kafka_login()
        return {
            "KAFKA_SSL_CAFILE": login["cafile"],
            "KAFKA_SASL_USERNAME": login["username"],
            "KAFKA_SASL_PASSWORD": login["password"],
        }

    def _staff_env(self) -> dict[str, str]:
        if self.security is None:
            return {}
        return {
            "SHOP_CAFILE": str(self.security.authority.certificate),
            "SHOP_TOKEN": self.security.token("staff"),
        }

    def _issuer(self, http: httpx.AsyncClient, security: StackSecurity) -> Part:
        url = security.issuer.url
        words = ("--url", url, "--port", str(self.ports.issuer), "--key", str(security.issuer.key_file))
        certificate = ("--certificate", str(security.authority.issue("issuer")))
        return Service(
            name="issuer",
            command=(sys.executable, "-m", "devservers.issuer", *words, *certificate),
            ready=_serves(http, f"{url}{DISCOVERY}"),
            env=base_environment(),
            url=url,
        )

    def _postgres(self) -> list[Part]:
        server = self.postgres

        async def create(log: Path) -> None:
            await server.create(log=log)

        front: list[Part] = []
        if self.security:
            front.append(
                Service(
                    name="postgres-tls",
                    command=server.tls_command,
                    ready=server.is_reached,
                    after=frozenset({"postgres"}),
                    env=base_environment(),
                    url=f"{HOST}:{server.port}",
                )
            )
        return [
            *front,
            Job(name="postgres-data", run=create),
            Service(
                name="postgres",
                command=server.run_command,
                ready=server.answers,
                after=frozenset({"postgres-data"}),
                user=server.user,
                url=f"{HOST}:{server.port}",
                stop_signal=STOP_SIGNAL,
            ),
            Job(
                name="read-database",
                run=Command(command=self.read.create_command, env=base_environment() | self.read.create_env),
                after=frozenset({"postgres-tls" if self.security else "postgres"}),
            ),
        ]

    def _order(self, instance: str, http: httpx.AsyncClient) -> list[Part]:
        url = self.orders[instance]
        database = self.order_database(instance)
        private_directory(database.parent)
        env = self._settings("ORDER_", instance) | {
            "ORDER_INSTANCE": instance,
            "ORDER_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
            "ORDER_KAFKA_BOOTSTRAP": self.bootstrap,
            "ORDER_HOST": HOST,
            "ORDER_PORT": url.rpartition(":")[2],
            "ORDER_PEERS": json.dumps(self.orders),
            "ORDER_PEER_SECRET": self.peer_secret,
        }
        if self.security:
            env |= self.security.service_env(instance, "ORDER_")
        migrate = f"{instance}-migrate"
        return [
            Job(name=migrate, run=Command(command=(_script("order-service"), "migrate"), env=env)),
            Service(
                name=instance,
                command=(_script("order-service"), "serve"),
                ready=_serves(http, f"{url}/health/ready"),
                after=frozenset({migrate, "topics", *self._issued}),
                env=env,
                url=url,
            ),
        ]

    def _settings(self, prefix: str, part: str) -> dict[str, str]:
        """What the caller has set for a part, and where it is to send its traces."""
        return own_settings(prefix) | (self.observers.environment(part) if self.observers else {})

    @property
    def _issued(self) -> tuple[str, ...]:
        """What a service that asks for tokens comes after."""
        return ("issuer",) if self.security else ()

    def _sink(self, http: httpx.AsyncClient) -> list[Part]:
        before = frozenset({"sink-init", "catalog-migrate", "topics"})
        connectors = sorted(str(path) for path in CONNECTORS.glob("*.json"))
        deploy = (_script("sink-connector"), "deploy", *connectors, "--url", self.sink_url)
        return [
            Job(
                name="sink-init",
                run=Command(
                    command=(_script("sink-connector"), "init"),
                    env=own_settings("SINK_") | {"SINK_INIT_URL": self.read.owner_dsn},
                ),
                after=frozenset({"read-database"}),
            ),
            Service(
                name="sink",
                command=(_script("sink-connector"), "worker"),
                ready=_runs_connectors(
                    http, self.sink_url, self.security.sink_login if self.security else None
                ),
                after=before,
                env=self._settings("SINK_", "sink")
                | {
                    "SINK_BOOTSTRAP_SERVERS": self.bootstrap,
                    "SINK_GROUP_ID": "sink",
                    "SINK_CONFIG_STORAGE_TOPIC": "sink-configs",
                    "SINK_CONFIG_STORAGE_REPLICATION_FACTOR": str(self.brokers),
                    "SINK_STATUS_STORAGE_TOPIC": "sink-status",
                    "SINK_STATUS_STORAGE_REPLICATION_FACTOR": str(self.brokers),
                    "SINK_REST_HOST": HOST,
                    "SINK_REST_PORT": str(self.ports.sink),
                    # A rebuild adds an option to it, unseen, behind a question mark of its own.
                    "SINK_DATABASE_URL": self.read.sink_dsn.partition("?")[0],
                    "SINK_TOPIC_PREFIX": "",
                    "SINK_CONFIG_PROVIDERS": "env",
                    "SINK_CONFIG_PROVIDERS_ENV_PARAM_ALLOWLIST_PATTERN": "SINK_DATABASE_URL|SINK_TOPIC_PREFIX",
                }
                | (self.security.sink_env(port=self.ports.sink) if self.security else {}),
                url=self.sink_url,
            ),
            Job(
                name="connectors",
                run=Command(
                    command=(*deploy, "--wait", "150"),
                    env=own_settings("SINK_") | (self.security.deploy_env() if self.security else {}),
                ),
                after=before,
            ),
        ]

    def _catalog(self, http: httpx.AsyncClient) -> list[Part]:
        return [
            Job(
                name="catalog-migrate",
                run=Command(
                    command=(_script("catalog-service"), "migrate"),
                    env=own_settings("CATALOG_") | {"CATALOG_MIGRATION_DATABASE_URL": self.read.owner_dsn},
                ),
                after=frozenset({"read-database"}),
            ),
            Service(
                name="catalog",
                command=(_script("catalog-service"), "serve"),
                ready=_serves(http, f"{self.catalog_url}/health/ready"),
                after=frozenset({"catalog-migrate", "sink-init", "topics", *self._issued}),
                env=self._settings("CATALOG_", "catalog")
                | {
                    "CATALOG_DATABASE_URL": self.read.catalog_dsn,
                    "CATALOG_KAFKA_BOOTSTRAP": self.bootstrap,
                    "CATALOG_HOST": HOST,
                    "CATALOG_PORT": str(self.ports.catalog),
                    "CATALOG_ORDER_SERVICES": json.dumps(self.orders),
                    "CATALOG_SINK_URL": self.sink_url,
                }
                | (self._secure_catalog_env(self.security) if self.security else {}),
                url=self.catalog_url,
            ),
        ]

    def _secure_catalog_env(self, security: StackSecurity) -> dict[str, str]:
        user, password = security.sink_login
        return security.service_env("catalog", "CATALOG_") | {
            "CATALOG_SINK_USER": user,
            "CATALOG_SINK_PASSWORD": password,
        }


def _script(name: str) -> str:
    """A console script of the environment this runs in, activated or not."""
    return str(Path(sys.executable).with_name(name))


def _serves(http: httpx.AsyncClient, url: str) -> Probe:
    async def probe() -> bool:
        try:
            return (await http.get(url)).is_success
        except httpx.HTTPError:
            return False

    return probe


def _runs_connectors(http: httpx.AsyncClient, url: str, login: tuple[str, str] | None) -> Probe:
    """A worker whose connector has failed still serves, but it is not well."""

    async def probe() -> bool:
        try:
            healthy = (await http.get(f"{url}/health")).is_success
            answer = await http.get(f"{url}/connectors", params={"expand": "status"}, auth=login)
            listed = answer.raise_for_status().json()
        except (httpx.HTTPError, ValueError):
            return False
        parts = [
            part
            for each in listed.values()
            for part in (each["status"]["connector"], *each["status"]["tasks"])
        ]
        return healthy and not any(part["state"] == "FAILED" for part in parts)

    return probe


@dataclass(frozen=True, slots=True)
class _Format:
    """Gives a broker its files, once in their life."""

    broker: Broker

    async def __call__(self, log: Path) -> None:
        self.broker.write_configuration()
        if not self.broker.is_formatted:
            try:
                await Command(command=self.broker.format_command, env=base_environment())(log)
            finally:
                self.broker.forget_principals(log=log)
