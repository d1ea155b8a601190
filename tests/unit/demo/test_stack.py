"""The parts of a stack and what must come before what."""

import os
from pathlib import Path

import httpx
import pytest

from demo.environment import supervisor_environment
from demo.home import Home
from demo.stack import Stack
from demo.stack_graph import graph_of
from demo.supervisor.commands import Command
from demo.supervisor.event_log import EventLog
from demo.supervisor.graph import Graph, GraphError, Job, Part, Service
from devservers.ports import Ports


async def _ready() -> bool:
    return True


async def _done(_log: object) -> None:
    return None


def service(name: str, *after: str) -> Service:
    return Service(name=name, command=("true",), ready=_ready, after=frozenset(after))


def job(name: str, *after: str) -> Job:
    return Job(name=name, run=_done, after=frozenset(after))


def test_every_part_follows_what_it_comes_after() -> None:
    graph = Graph.of(
        [service("shop", "topics"), job("topics", "kafka"), service("kafka", "storage"), job("storage")]
    )
    assert [part.name for part in graph.parts] == ["storage", "kafka", "topics", "shop"]


def test_services_depend_on_each_other_through_jobs() -> None:
    graph = Graph.of(
        [service("shop", "topics"), job("topics", "kafka"), service("kafka"), service("page", "shop")]
    )
    assert graph.dependents("kafka") == {"shop", "page"}
    assert graph.dependents("page") == set()


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ([service("a", "b"), service("b", "a")], "wait for each other"),
        ([service("a", "nobody")], "nobody, which is no part"),
        ([service("a"), job("a")], "share a name"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(parts: list[Service | Job], says: str) -> None:
    with pytest.raises(GraphError, match=says):
        Graph.of(parts)


@pytest.mark.parametrize("brokers", [1, 3])
async def test_the_stack_starts_brokers_before_topics_before_services_and_stops_the_other_way(
    tmp_path: Path, brokers: int
) -> None:
    home = Home(tmp_path)
    home.make()
    stack = Stack.of(home=home, ports=Ports(), brokers=brokers, classpath="kafka.jar")
    async with httpx.AsyncClient() as http:
        graph = graph_of(stack, http)
    order = [part.name for part in graph.parts]
    for before, after in [
        ("kafka-1-storage", "kafka-1"),
        (f"kafka-{brokers}", "topics"),
        ("topics", "order-3"),
        ("order-3-migrate", "order-3"),
        ("read-database", "catalog-migrate"),
        ("catalog-migrate", "sink"),
        ("sink-init", "connectors"),
        ("sink-init", "catalog"),
        ("order-1", "seed"),
    ]:
        assert order.index(before) < order.index(after), (before, after)
    speakers = {"order-1", "order-2", "order-3", "sink", "catalog"}
    assert graph.dependents("kafka-1") == speakers
    assert graph.dependents("postgres") == {"sink", "catalog"}
    assert {service.name for service in graph.services} == speakers | {"postgres"} | {
        f"kafka-{node}" for node in range(1, brokers + 1)
    }


@pytest.fixture
async def parts(home: Home) -> tuple[Part, ...]:
    """Of a whole stack, as its supervisor gets them."""
    async with httpx.AsyncClient() as http:
        return graph_of(Stack.of(home=home, ports=Ports(), brokers=3, classpath="kafka.jar"), http).parts


def commands(parts: tuple[Part, ...]) -> dict[str, tuple[str, ...]]:
    """Every command that is run, of services and of jobs."""
    jobs = {part.name: part.run for part in parts if isinstance(part, Job)}
    return {name: run.command for name, run in jobs.items() if isinstance(run, Command)} | {
        part.name: part.command for part in parts if isinstance(part, Service)
    }


def test_no_password_stands_on_a_command_line(home: Home, parts: tuple[Part, ...]) -> None:
    passwords = {file.read_text().strip() for file in home.secrets.iterdir()}
    assert len(passwords) == 5
    assert commands(parts).keys() >= {
        "sink-init",
        "catalog-migrate",
        "read-database",
        "connectors",
        "seed",
        "sink",
    }
    shown = [name for name, words in commands(parts).items() if any(p in " ".join(words) for p in passwords)]
    assert shown == []


SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "hush-1",
    "HTTPS_PROXY": "http://user:hush-2@proxy",
    "PGPASSWORD": "hush-3",
}


async def test_no_part_gets_the_caller_s_environment_but_its_own_settings(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"ORDER_LOG_LEVEL": "debug", "CATALOG_LOG_LEVEL": "info", "SINK_LOG_LEVEL": "warning"}
    for name, value in (SECRETS | settings).items():
        monkeypatch.setenv(name, value)
    async with httpx.AsyncClient() as http:
        parts = graph_of(Stack.of(home=home, ports=Ports(), brokers=3, classpath=""), http).parts
    given = {
        part.name: dict(carrier.env)
        for part in parts
        if isinstance(carrier := part if isinstance(part, Service) else part.run, Service | Command)
    }
    for name, env in (given | {"supervisor": supervisor_environment()}).items():
        assert not set(SECRETS.values()) & set(env.values()), name
    assert supervisor_environment().keys() >= settings.keys()
    for part, prefix in (("order-2", "ORDER_"), ("sink", "SINK_"), ("catalog", "CATALOG_")):
        own = {name for name in given[part] if name.startswith(("ORDER_", "SINK_", "CATALOG_"))}
        assert f"{prefix}LOG_LEVEL" in own
        assert all(name.startswith(prefix) for name in own), own


def test_the_folders_are_closed_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        home = Home(tmp_path / "home")
        home.make()
        Stack.of(home=home, ports=Ports(), brokers=1, classpath="").kafka[0].write_configuration()
        written = EventLog(home.log("supervisor"))
        written.write("part.started")
    finally:
        os.umask(before)
    passage = 0o711 if os.geteuid() == 0 else 0o700
    assert home.root.stat().st_mode & 0o777 == home.data.stat().st_mode & 0o777 == passage
    for path in home.root.rglob("*"):
        if path != home.data:
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_stack_shown_in_a_log_shows_no_password(home: Home) -> None:
    stack = Stack.of(home=home, ports=Ports(), brokers=1, classpath="")
    kept = {path.read_text().strip() for path in home.secrets.iterdir()}
    assert len(kept) == 5
    assert not [password for password in kept if password in repr(stack)]
