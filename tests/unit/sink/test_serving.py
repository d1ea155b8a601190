"""Where the REST interface listens."""

import socket

import pytest

from devservers.ports import HOST, free_ports
from sink_connector.config.worker import WorkerConfig
from sink_connector.errors import PortTakenError
from sink_connector.serving import listening


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
