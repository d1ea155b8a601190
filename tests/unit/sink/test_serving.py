"""Where the REST interface listens."""

import socket

import pytest

from devservers.ports import HOST, free_ports
from sink_connector.config.worker import WorkerConfig
from sink_connector.errors import PortTakenError
from sink_connector.serving import listened_at, listening


def test_an_address_is_one_workers_from_the_moment_it_begins() -> None:
    """Also before it listens there: until it has joined its group, it does not."""
    first, second = free_ports(2)
    config = WorkerConfig(rest_port=first, further_listeners=((HOST, second),))
    with listening(config) as listeners:
        assert [each.getsockname() for each in listeners] == [(HOST, first), (HOST, second)]
        for port in (first, second):
            with (
                pytest.raises(PortTakenError, match=f"{HOST}:{port} cannot be listened at"),
                listening(WorkerConfig(rest_port=port)),
            ):
                pass
    with listening(config):
        pass


def test_of_addresses_that_cannot_all_be_had_none_stays_taken() -> None:
    first, second = free_ports(2)
    with socket.create_server((HOST, second)):
        config = WorkerConfig(rest_port=first, further_listeners=((HOST, second),))
        with pytest.raises(PortTakenError), listening(config):
            pass
    with listening(config):
        pass


EVERY_IPV4, EVERY_IPV6 = "0.0.0.0", "::"  # noqa: S104 - free ports, for a moment


@pytest.mark.parametrize(
    ("hosts", "bound"),
    [
        ((EVERY_IPV4, HOST), [EVERY_IPV4]), ((HOST, EVERY_IPV4, "localhost"), [EVERY_IPV4]), ((EVERY_IPV6, "::1"), [EVERY_IPV6]),
        ((EVERY_IPV4, EVERY_IPV6), [EVERY_IPV4, EVERY_IPV6]), ((EVERY_IPV6, HOST, "::1"), [EVERY_IPV6, HOST]), ((HOST, "127.0.0.2"), [HOST, "127.0.0.2"]),
    ],
)  # fmt: skip
def test_a_listener_at_all_addresses_is_in_no_others_way(hosts: tuple[str, ...], bound: list[str]) -> None:
    [port] = free_ports(1)
    config = WorkerConfig(
        rest_host=hosts[0], rest_port=port, further_listeners=tuple((host, port) for host in hosts[1:])
    )
    with listening(config) as listeners:
        assert [each.getsockname()[:2] for each in listeners] == [(host, port) for host in bound]


def test_all_of_ipv6_alone_is_all_of_ipv4_too() -> None:
    [port] = free_ports(1)
    with listening(WorkerConfig(rest_host=EVERY_IPV6, rest_port=port)) as listeners:
        listened_at(listeners, 1)
        socket.create_connection((HOST, port)).close()


def test_an_address_is_shared_with_nobody_before_it_is_listened_at() -> None:
    [port] = free_ports(1)
    with listening(WorkerConfig(rest_port=port)) as listeners, socket.socket() as other:
        assert listened_at(listeners, 1)[0].getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind((HOST, port))
    with listening(WorkerConfig(rest_port=port)) as listeners, socket.socket() as other:
        listeners[0].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind((HOST, port))
        other.listen()
        with pytest.raises(PortTakenError, match=rf"{HOST}:{port} .* rest\.port \(SINK_REST_PORT\)"):
            listened_at(listeners, 1)


def test_the_setting_that_an_address_came_from_is_named() -> None:
    [port] = free_ports(1)
    config = WorkerConfig(rest_port=port, address_settings=("listeners",))
    with (
        socket.create_server((HOST, port)),
        pytest.raises(PortTakenError, match=r"by listeners \("),
        listening(config),
    ):
        pass
