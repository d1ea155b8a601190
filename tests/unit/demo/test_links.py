"""The links of a playground: each client its own way to each broker, and nobody else's."""

from pathlib import Path

from demo.home import Home
from demo.links import OF_DATABASE, OF_KAFKA, StackLinks
from devservers.ports import LINKED_CLIENTS, MAX_BROKERS, Ports


def links(tmp_path: Path, brokers: int = MAX_BROKERS) -> StackLinks:
    return StackLinks(home=Home(tmp_path), ports=Ports(offset=10_000), brokers=brokers)


def test_each_client_is_told_its_own_ways_by_every_broker(tmp_path: Path) -> None:
    found = links(tmp_path)
    ways = {route.listen: route for route in found.routes}
    for number, client in enumerate(OF_KAFKA):
        told = [found.listeners(node)[number] for node in range(1, MAX_BROKERS + 1)]
        asked = [int(address.rpartition(":")[2]) for address in found.bootstrap(client).split(",")]
        assert [each.advertised_port for each in told] == asked
        assert [ways[port].target for port in asked] == [each.port for each in told]
        assert {ways[port].link.partition(":")[0] for port in asked} == {client}


def test_the_way_to_the_database_has_its_user_and_password_and_leads_to_the_server(tmp_path: Path) -> None:
    found = links(tmp_path)
    dsn = found.dsn("sink", "postgresql://sink_writer:secret@127.0.0.1:15433/read")
    (route,) = [route for route in found.routes if route.link == "sink:postgres"]
    assert dsn == f"postgresql://sink_writer:secret@127.0.0.1:{route.listen}/read"
    assert route.target == found.ports.postgres


def test_no_port_is_taken_twice_and_all_are_looked_at_before_the_start(tmp_path: Path) -> None:
    found = links(tmp_path)
    used = [route.listen for route in found.routes]
    used += [listener.port for node in range(1, MAX_BROKERS + 1) for listener in found.listeners(node)]
    own = found.ports.all(brokers=MAX_BROKERS, observe=True, secure=True)
    assert len(set(used)) == len(used)
    assert len(OF_KAFKA) + len(OF_DATABASE) == LINKED_CLIENTS
    assert not set(used) & own.keys()
    assert set(used) <= found.ports.all(brokers=MAX_BROKERS, playground=True).keys()


def test_links_between_brokers_are_broken_one_by_one_those_of_a_client_together(tmp_path: Path) -> None:
    assert links(tmp_path).names == (
        "kafka:kafka-1", "kafka:kafka-2", "kafka:kafka-3", "sink:kafka", "catalog:kafka", "order-1:kafka",
        "order-2:kafka", "order-3:kafka", "sink:postgres", "catalog:postgres",
    )  # fmt: skip
