"""The parts of a stack and what must come before what."""

from pathlib import Path

import httpx
import pytest

from demo.home import Home
from demo.stack import Stack
from demo.supervisor.graph import Graph, GraphError, Job, Service
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
        graph = stack.graph(http)
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


async def test_no_password_stands_on_the_command_line_of_a_service(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.make()
    stack = Stack.of(home=home, ports=Ports(), brokers=1, classpath="kafka.jar")
    passwords = {file.read_text().strip() for file in home.secrets.iterdir()}
    async with httpx.AsyncClient() as http:
        commands = " ".join(word for service in stack.graph(http).services for word in service.command)
    assert len(passwords) == 5
    assert not [password for password in passwords if password in commands]


def test_a_stack_shown_in_a_log_shows_no_password(home: Home) -> None:
    stack = Stack.of(home=home, ports=Ports(), brokers=1, classpath="")
    kept = {path.read_text().strip() for path in home.secrets.iterdir()}
    assert len(kept) == 5
    assert not [password for password in kept if password in repr(stack)]
