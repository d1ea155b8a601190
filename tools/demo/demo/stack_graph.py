"""The parts of a stack: what runs each, when it is ready, what it comes after."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import httpx

from demo import links
from demo.environment import base_environment, own_settings
from demo.home import GUIDE, REPOSITORY
from demo.playground_parts import with_playground
from demo.probes import runs_connectors, serves
from demo.security import StackSecurity
from demo.sink_command import CONNECTORS
from demo.stack import Stack
from demo.supervisor.commands import Command
from demo.supervisor.graph import Graph, Job, Part, Service
from devservers.issuer import DISCOVERY
from devservers.kafka import Broker
from devservers.ports import HOST
from devservers.postgres import STOP_SIGNAL
from devservers.private_files import private_directory

SEED_JOB = REPOSITORY / "infra" / "docker" / "seed.py"
TOPICS_JOB = REPOSITORY / "infra" / "kafka" / "create_topics.py"


def graph_of(stack: Stack, http: httpx.AsyncClient) -> Graph:
    """Every part; probes use `http`."""
    parts: list[Part] = [*_kafka(stack), *_postgres(stack), *_sink(stack, http), *_catalog(stack, http)]
    for instance in stack.orders:
        parts += _order(stack, instance, http)
    if stack.security:
        parts.append(_issuer(stack, stack.security, http))
    if stack.links:
        parts.append(stack.links.part())
    seed = Command(
        command=(sys.executable, str(SEED_JOB), *stack.orders.values()),
        env=base_environment() | (stack.security.staff_env() if stack.security else {}),
    )
    parts.append(Job(name="seed", run=seed, after=frozenset(stack.orders)))
    if stack.observers is not None:
        targets = stack.orders | {"catalog": stack.catalog_url, "sink": stack.sink_url}
        parts += stack.observers.parts(targets, http)
    if stack.playground:
        parts = with_playground(stack, parts, serves=lambda url: serves(http, url))
    return Graph.of(parts)


def _kafka(stack: Stack) -> list[Part]:
    brokers = stack.kafka
    parts: list[Part] = []
    for broker in brokers:
        storage = f"{broker.name}-storage"
        parts += [
            Job(name=storage, run=_Format(broker)),
            Service(
                name=broker.name,
                command=broker.run_command,
                ready=broker.answers,
                after=frozenset({storage, *((links.PART,) if stack.links else ())}),
                url=broker.bootstrap,
                grace_s=15,
            ),
        ]
    words = (
        "--bootstrap", stack.bootstrap, "--replication", str(stack.brokers),
        "--leaders", "together",  # they share this machine: docs/adr/0031
    )  # fmt: skip
    topics = Command(
        command=(sys.executable, str(TOPICS_JOB), *words),
        env=base_environment() | (stack.security.topics_env() if stack.security else {}),
    )
    started = frozenset(broker.name for broker in brokers)
    if security := stack.security:

        async def allow(_: Path) -> None:
            await security.apply_acls(stack.bootstrap)

        parts.append(Job(name="access-lists", run=allow, after=started))
        started |= {"access-lists"}
    parts.append(Job(name="topics", run=topics, after=started))
    return parts


def _issuer(stack: Stack, security: StackSecurity, http: httpx.AsyncClient) -> Part:
    url = security.issuer.url
    words = ("--url", url, "--port", str(stack.ports.issuer), "--key", str(security.issuer.key_file))
    certificate = ("--certificate", str(security.authority.issue("issuer")))
    logins = security.login_words(stack.catalog_url)
    return Service(
        name="issuer",
        command=(sys.executable, "-m", "devservers.issuer", *words, *certificate, *logins),
        ready=serves(http, f"{url}{DISCOVERY}"),
        env=base_environment(),
        url=url,
    )


def _postgres(stack: Stack) -> list[Part]:
    server = stack.postgres

    async def create(log: Path) -> None:
        await server.create(log=log)

    front: list[Part] = []
    if stack.security:
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
            run=Command(command=stack.read.create_command, env=base_environment() | stack.read.create_env),
            after=frozenset({"postgres-tls" if stack.security else "postgres"}),
        ),
    ]


def _order(stack: Stack, instance: str, http: httpx.AsyncClient) -> list[Part]:
    url = stack.orders[instance]
    database = stack.order_database(instance)
    private_directory(database.parent)
    env = _settings(stack, "ORDER_", instance) | {
        "ORDER_INSTANCE": instance,
        "ORDER_DATABASE_URL": f"sqlite+aiosqlite:///{database}",
        "ORDER_KAFKA_BOOTSTRAP": stack.bootstrap_of(instance),
        "ORDER_HOST": HOST,
        "ORDER_PORT": url.rpartition(":")[2],
        "ORDER_PEERS": json.dumps(stack.orders),
        "ORDER_PEER_SECRET": stack.peer_secret,
    }
    if stack.security:
        env |= stack.security.service_env(instance, "ORDER_")
    migrate = f"{instance}-migrate"
    return [
        Job(name=migrate, run=Command(command=(_script("order-service"), "migrate"), env=env)),
        Service(
            name=instance,
            command=(_script("order-service"), "serve"),
            ready=serves(http, f"{url}/health/ready"),
            after=frozenset({migrate, "topics", *_needed(stack)}),
            env=env,
            url=url,
        ),
    ]


def _settings(stack: Stack, prefix: str, part: str) -> dict[str, str]:
    """What the caller has set for a part, and where it is to send its traces."""
    return own_settings(prefix) | (stack.observers.environment(part) if stack.observers else {})


def _needed(stack: Stack) -> tuple[str, ...]:
    """What a service comes after that asks for tokens, and reaches the others by links that can be broken."""
    return (*(("issuer",) if stack.security else ()), *((links.PART,) if stack.links else ()))


def _sink(stack: Stack, http: httpx.AsyncClient) -> list[Part]:
    before = frozenset({"sink-init", "catalog-migrate", "topics", *((links.PART,) if stack.links else ())})
    login = stack.security.sink_login if stack.security else None
    init = own_settings("SINK_") | {"SINK_INIT_URL": stack.read.owner_dsn}
    connectors = sorted(str(path) for path in CONNECTORS.glob("*.json"))
    deploy = (_script("sink-connector"), "deploy", *connectors, "--url", stack.sink_url)
    return [
        Job(
            name="sink-init",
            run=Command(command=(_script("sink-connector"), "init"), env=init),
            after=frozenset({"read-database"}),
        ),
        Service(
            name="sink",
            command=(_script("sink-connector"), "worker"),
            ready=runs_connectors(http, stack.sink_url, login),
            after=before,
            env=_sink_env(stack),
            url=stack.sink_url,
        ),
        Job(
            name="connectors",
            run=Command(
                command=(*deploy, "--wait", "150"),
                env=own_settings("SINK_") | (stack.security.deploy_env() if stack.security else {}),
            ),
            after=before,
        ),
    ]


def _sink_env(stack: Stack) -> dict[str, str]:
    env = _settings(stack, "SINK_", "sink") | {
        "SINK_BOOTSTRAP_SERVERS": stack.bootstrap_of("sink"),
        "SINK_GROUP_ID": "sink",
        "SINK_CONFIG_STORAGE_TOPIC": "sink-configs",
        "SINK_CONFIG_STORAGE_REPLICATION_FACTOR": str(stack.brokers),
        "SINK_STATUS_STORAGE_TOPIC": "sink-status",
        "SINK_STATUS_STORAGE_REPLICATION_FACTOR": str(stack.brokers),
        "SINK_REST_HOST": HOST,
        "SINK_REST_PORT": str(stack.ports.sink),
        # A rebuild adds an option to it, unseen, behind a question mark of its own.
        "SINK_DATABASE_URL": stack.dsn_of("sink", stack.read.sink_dsn).partition("?")[0],
        "SINK_TOPIC_PREFIX": "",
        "SINK_CONFIG_PROVIDERS": "env",
        "SINK_CONFIG_PROVIDERS_ENV_PARAM_ALLOWLIST_PATTERN": "SINK_DATABASE_URL|SINK_TOPIC_PREFIX",
    }
    return env | (stack.security.sink_env(port=stack.ports.sink) if stack.security else {})


def _catalog(stack: Stack, http: httpx.AsyncClient) -> list[Part]:
    return [
        Job(
            name="catalog-migrate",
            run=Command(
                command=(_script("catalog-service"), "migrate"),
                env=own_settings("CATALOG_") | {"CATALOG_MIGRATION_DATABASE_URL": stack.read.owner_dsn},
            ),
            after=frozenset({"read-database"}),
        ),
        Service(
            name="catalog",
            command=(_script("catalog-service"), "serve"),
            ready=serves(http, f"{stack.catalog_url}/health/ready"),
            after=frozenset({"catalog-migrate", "sink-init", "topics", *_needed(stack)}),
            env={"CATALOG_GUIDE": str(GUIDE)}
            | _settings(stack, "CATALOG_", "catalog")
            | {
                "CATALOG_DATABASE_URL": stack.dsn_of("catalog", stack.read.catalog_dsn),
                "CATALOG_KAFKA_BOOTSTRAP": stack.bootstrap_of("catalog"),
                "CATALOG_HOST": HOST,
                "CATALOG_PORT": str(stack.ports.catalog),
                "CATALOG_ORDER_SERVICES": json.dumps(stack.orders),
                "CATALOG_SINK_URL": stack.sink_url,
            }
            | (stack.security.catalog_env() if stack.security else {}),
            url=stack.catalog_url,
        ),
    ]


def _script(name: str) -> str:
    """A console script of the environment this runs in, activated or not."""
    return str(Path(sys.executable).with_name(name))


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
