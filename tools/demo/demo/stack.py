"""The stack as data: every part, what runs it, when it is ready, what it comes after."""

import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo import seed
from demo.home import REPOSITORY, Home
from demo.read_database import ReadDatabase, read_database
from demo.supervisor.graph import Graph, Job, JobError, Part, Probe, Service
from devservers.kafka import Broker, Node, cluster
from devservers.ports import HOST, ORDER_INSTANCES, Ports
from devservers.postgres import STOP_SIGNAL, PostgresInstall
from devservers.process import ChildProcess, describe_exit, tail
from devservers.secret_files import kept_password

CONNECTORS = REPOSITORY / "infra" / "connectors"
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

    @classmethod
    def of(cls, *, home: Home, ports: Ports, brokers: int, classpath: str) -> "Stack":
        """Describe the stack kept in `home`, making passwords that are not there yet."""
        postgres = PostgresInstall(
            directory=home.data / "postgres",
            port=ports.postgres,
            password=kept_password(home.secrets / "postgres"),
        )
        read = read_database(server=postgres, passwords=home.secrets)
        return cls(home=home, ports=ports, brokers=brokers, classpath=classpath, postgres=postgres, read=read)

    @property
    def bootstrap(self) -> str:
        return ",".join(f"{HOST}:{self.ports.broker(node)}" for node in range(1, self.brokers + 1))

    @property
    def orders(self) -> dict[str, str]:
        """Base URL of each order instance."""
        return {f"order-{n}": f"http://{HOST}:{self.ports.order(n)}" for n in range(1, ORDER_INSTANCES + 1)}

    @property
    def catalog_url(self) -> str:
        return f"http://{HOST}:{self.ports.catalog}"

    @property
    def sink_url(self) -> str:
        return f"http://{HOST}:{self.ports.sink}"

    def order_database(self, instance: str) -> Path:
        return self.home.data / instance / "orders.db"

    def graph(self, http: httpx.AsyncClient) -> Graph:
        """Every part; probes use `http`."""
        parts: list[Part] = [*self._kafka(), *self._postgres(), *self._sink(http), *self._catalog(http)]
        for instance in self.orders:
            parts += self._order(instance, http)
        parts.append(Job(name="seed", run=self._seed, after=frozenset(self.orders)))
        return Graph.of(parts)

    @property
    def kafka(self) -> tuple[Broker, ...]:
        nodes = [
            Node(id=n, port=self.ports.broker(n), controller_port=self.ports.controller(n))
            for n in range(1, self.brokers + 1)
        ]
        return cluster(directory=self.home.data / "kafka", nodes=nodes, classpath=self.classpath)

    def _kafka(self) -> list[Part]:
        brokers = self.kafka
        parts: list[Part] = []
        for broker in brokers:
            storage = f"{broker.name}-storage"
            parts += [
                Job(name=storage, run=_format(broker)),
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
        topics = _command((sys.executable, str(TOPICS_JOB), *words))
        parts.append(Job(name="topics", run=topics, after=frozenset(broker.name for broker in brokers)))
        return parts

    def _postgres(self) -> list[Part]:
        server = self.postgres

        async def create(log: Path) -> None:
            await server.create(log=log)

        return [
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
                run=_command(self.read.create_command, env=self.read.create_env),
                after=frozenset({"postgres"}),
            ),
        ]

    def _order(self, instance: str, http: httpx.AsyncClient) -> list[Part]:
        url = self.orders[instance]
        database = self.order_database(instance)
        database.parent.mkdir(parents=True, exist_ok=True)
        env = {
            "ORDER_INSTANCE": instance,
            "ORDER_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
            "ORDER_KAFKA_BOOTSTRAP": self.bootstrap,
            "ORDER_HOST": HOST,
            "ORDER_PORT": url.rpartition(":")[2],
            "ORDER_PEERS": json.dumps(self.orders),
        }
        migrate = f"{instance}-migrate"
        return [
            Job(name=migrate, run=_command((_script("order-service"), "migrate"), env=env)),
            Service(
                name=instance,
                command=(_script("order-service"), "serve"),
                ready=_serves(http, f"{url}/health/ready"),
                after=frozenset({migrate, "topics"}),
                env=env,
                url=url,
            ),
        ]

    def _sink(self, http: httpx.AsyncClient) -> list[Part]:
        before = frozenset({"sink-init", "catalog-migrate", "topics"})
        connectors = sorted(str(path) for path in CONNECTORS.glob("*.json"))
        deploy = (_script("sink-connector"), "deploy", *connectors, "--url", self.sink_url)
        return [
            Job(
                name="sink-init",
                run=_command((_script("sink-connector"), "init", "--url", self.read.owner_dsn)),
                after=frozenset({"read-database"}),
            ),
            Service(
                name="sink",
                command=(_script("sink-connector"), "worker"),
                ready=_runs_connectors(http, self.sink_url),
                after=before,
                env={
                    "SINK_BOOTSTRAP_SERVERS": self.bootstrap,
                    "SINK_GROUP_ID": "sink",
                    "SINK_CONFIG_STORAGE_TOPIC": "sink-configs",
                    "SINK_CONFIG_STORAGE_REPLICATION_FACTOR": str(self.brokers),
                    "SINK_STATUS_STORAGE_TOPIC": "sink-status",
                    "SINK_STATUS_STORAGE_REPLICATION_FACTOR": str(self.brokers),
                    "SINK_REST_HOST": HOST,
                    "SINK_REST_PORT": str(self.ports.sink),
                    "SINK_DATABASE_URL": self.read.sink_dsn,
                    "SINK_TOPIC_PREFIX": "",
                    "SINK_CONFIG_PROVIDERS": "env",
                    "SINK_CONFIG_PROVIDERS_ENV_PARAM_ALLOWLIST_PATTERN": "SINK_DATABASE_URL|SINK_TOPIC_PREFIX",
                },
                url=self.sink_url,
            ),
            Job(name="connectors", run=_command((*deploy, "--wait", "150")), after=before),
        ]

    def _catalog(self, http: httpx.AsyncClient) -> list[Part]:
        return [
            Job(
                name="catalog-migrate",
                run=_command(
                    (_script("catalog-service"), "migrate"),
                    env={"CATALOG_MIGRATION_DATABASE_URL": self.read.owner_dsn},
                ),
                after=frozenset({"read-database"}),
            ),
            Service(
                name="catalog",
                command=(_script("catalog-service"), "serve"),
                ready=_serves(http, f"{self.catalog_url}/health/ready"),
                after=frozenset({"catalog-migrate", "sink-init", "topics"}),
                env={
                    "CATALOG_DATABASE_URL": self.read.catalog_dsn,
                    "CATALOG_KAFKA_BOOTSTRAP": self.bootstrap,
                    "CATALOG_HOST": HOST,
                    "CATALOG_PORT": str(self.ports.catalog),
                    "CATALOG_ORDER_SERVICES": json.dumps(self.orders),
                    "CATALOG_SINK_URL": self.sink_url,
                },
                url=self.catalog_url,
            ),
        ]

    async def _seed(self, _log: Path) -> None:
        await seed.seed({int(name.rpartition("-")[2]): url for name, url in self.orders.items()})


def base_environment() -> dict[str, str]:
    """The environment every part starts from: the caller's, so that a setting can be handed through.

    Python's byte code is written, whatever the caller prefers: without it a start takes twice as long.
    """
    refused = {"PYTHONDONTWRITEBYTECODE"}
    return {key: value for key, value in os.environ.items() if key not in refused} | {"PYTHONUNBUFFERED": "1"}


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


def _runs_connectors(http: httpx.AsyncClient, url: str) -> Probe:
    """A worker whose connector has failed still serves, but it is not well."""

    async def probe() -> bool:
        try:
            healthy = (await http.get(f"{url}/health")).is_success
            listed = (await http.get(f"{url}/connectors", params={"expand": "status"})).json()
        except (httpx.HTTPError, ValueError):
            return False
        parts = [
            part
            for each in listed.values()
            for part in (each["status"]["connector"], *each["status"]["tasks"])
        ]
        return healthy and not any(part["state"] == "FAILED" for part in parts)

    return probe


def _command(
    command: tuple[str, ...], *, env: Mapping[str, str] | None = None
) -> Callable[[Path], Awaitable[None]]:
    async def run(log: Path) -> None:
        child = await ChildProcess.start(
            command, log=log, env=base_environment() | dict(env or {}), cwd=REPOSITORY
        )
        try:
            code = await child.wait()
        finally:
            child.kill_group()
        if code:
            raise JobError(
                f"`{Path(command[0]).name} {command[1]}` ended with {describe_exit(code)}\n{tail(log)}"
            )

    return run


def _format(broker: Broker) -> Callable[[Path], Awaitable[None]]:
    async def run(log: Path) -> None:
        broker.write_configuration()
        if not broker.is_formatted:
            await _command(broker.format_command)(log)

    return run
