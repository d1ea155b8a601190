"""The ports of the stack, and who holds one that is taken."""

import itertools
import os
import random
import socket
import textwrap
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from devservers.loopback import LOOPBACK

HOST = LOOPBACK
MAX_BROKERS = 3
ORDER_INSTANCES = 3
LINKED_CLIENTS = 8
"""Of Kafka: the brokers themselves, sink, catalog, the instances; then of the read database: sink, catalog."""
SINK_WORKERS = 3
"""With a playground; without one there is a single one."""
MAX_OFFSET = 65_535 - 9_411
_DIGITS = 5

# Beside those of any stack, with or without an offset of the tests'.
_FOR_TESTS = range(10_000, 19_400)
_MOST_RESERVED = 200
_reserved: deque[socket.socket] = deque()
"""Of this process, the newest last."""
_OUTGOING = Path("/proc/sys/net/ipv4/ip_local_port_range")
_OUTGOING_ELSEWHERE = range(49_152, 65_536)  # macOS, and what the registry of ports recommends


class PortOffsetError(ValueError):
    """The setting that shifts every port is not one; the message says what it has to be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Every port the stack listens on, all on the loopback address, shifted by one offset."""

    offset: int = 0

    @classmethod
    def from_environment(cls) -> "Ports":
        """Read `DEMO_PORT_OFFSET`.

        Raises:
            PortOffsetError: it is no whole number or leaves no valid port.
        """
        text = os.environ.get("DEMO_PORT_OFFSET") or "0"
        if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) <= MAX_OFFSET):
            raise PortOffsetError(f"DEMO_PORT_OFFSET={text!r} must be a whole number from 0 to {MAX_OFFSET}")
        return cls(offset=int(text))

    @property
    def catalog(self) -> int:
        """Port of the catalog."""
        return 8000 + self.offset

    def order(self, number: int) -> int:
        """Port of order instance `number`, counted from 1."""
        return 8000 + number + self.offset

    @property
    def sink(self) -> int:
        """Port of the sink worker's REST."""
        return 8083 + self.offset

    @property
    def postgres(self) -> int:
        """Port of PostgreSQL."""
        return 5433 + self.offset

    @property
    def prometheus(self) -> int:
        """Port of Prometheus."""
        return 9090 + self.offset

    @property
    def audit(self) -> int:
        """Port on which an observed stack tells Prometheus of its last audit."""
        return 9095 + self.offset

    @property
    def zipkin(self) -> int:
        """Port of the trace store."""
        return 9411 + self.offset

    @property
    def issuer(self) -> int:
        """Port of the development issuer of a secure stack."""
        return 8090 + self.offset

    @property
    def playground(self) -> int:
        """Port of the playground's control."""
        return 8095 + self.offset

    def sink_worker(self, number: int) -> int:
        """Port of the REST of sink worker `number`, counted from 1: the one that is always there."""
        return self.sink + number - 1

    def broker(self, node: int) -> int:
        """Client port of broker `node`, counted from 1."""
        return 9091 + node + self.offset

    def controller(self, node: int) -> int:
        """Port on which the controllers' quorum talks to `node`."""
        return 9191 + node + self.offset

    def linked_broker(self, client: int, node: int) -> int:
        """Port on which broker `node` is reached through the links of a client, counted from 0."""
        return 9210 + 10 * client + node + self.offset

    def link(self, client: int, node: int) -> int:
        """Port of the link of a client, counted from 0, to server `node`, counted from 1."""
        return 9310 + 10 * client + node + self.offset

    def all(
        self, *, brokers: int, observe: bool = False, secure: bool = False, playground: bool = False
    ) -> dict[int, str]:
        """Every port in use with the part that owns it."""
        spares = {self.sink_worker(n): f"sink-{n}" for n in range(2, SINK_WORKERS + 1)}
        observers = (
            {self.zipkin: "zipkin", self.prometheus: "prometheus", self.audit: "the last audit's metrics"}
            if observe
            else {}
        )
        nodes = range(1, brokers + 1)
        linked = range(LINKED_CLIENTS if playground else 0)
        return (
            {self.catalog: "catalog", self.sink: "sink", self.postgres: "postgres"}
            | ({self.issuer: "issuer"} if secure else {})
            | {self.order(n): f"order-{n}" for n in range(1, ORDER_INSTANCES + 1)}
            | {self.broker(n): f"kafka-{n}" for n in nodes}
            | {self.controller(n): f"kafka-{n} (controller)" for n in nodes}
            | {self.linked_broker(client, n): f"kafka-{n} (links)" for client in linked for n in nodes}
            | {self.link(client, n): "links" for client in linked for n in nodes}
            | observers
            | ({self.playground: "playground", **spares} if playground else {})
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenPort:
    """A port somebody else listens on."""

    port: int
    wanted_by: str
    pid: int | None
    command: str

    def __str__(self) -> str:
        """One sentence that names port, part and owner."""
        owner = f"pid {self.pid} ({self.command})" if self.pid else self.command
        return f"port {self.port}, needed by {self.wanted_by}, is taken by {owner}"


def taken(ports: dict[int, str]) -> list[TakenPort]:
    """Those of `ports` that cannot be bound now, each with its owner as far as the system tells."""
    busy = [port for port in ports if not _can_bind(port)]
    owners = _listeners() if busy else {}
    return [
        TakenPort(port=port, wanted_by=ports[port], pid=pid, command=command)
        for port in busy
        for pid, command in [owners.get(port, (None, "a process of another user"))]
    ]


def outgoing() -> range:
    """The ports that the system gives to outgoing connections: any of them may be taken at any moment, for a moment."""
    try:
        first, last = map(int, _OUTGOING.read_text().split())
    except OSError:
        return _OUTGOING_ELSEWHERE
    return range(first, last + 1)


def free_ports(count: int) -> list[int]:
    """Ports that were free a moment ago, for servers that live as long as a test.

    No other call gives them away, in this process or another, before this process has got `_MOST_RESERVED` more or ended.
    From below those that systems give to outgoing connections: one of these could take it before the server does, or
    while it restarts.
    """
    free = list(itertools.islice(filter(_reserve, random.sample(_FOR_TESTS, len(_FOR_TESTS))), count))
    if len(free) < count:
        raise OSError(f"fewer than {count} ports of {_FOR_TESTS.start} to {_FOR_TESTS.stop} are free")
    return free


def _reserve(port: int) -> bool:
    """Whether the port was free. Who holds its number in UDP has it, which is in no server's way."""
    reservation = socket.socket(type=socket.SOCK_DGRAM)
    try:
        reservation.bind((HOST, port))
    except OSError:
        reservation.close()
        return False
    if not _can_bind(port):
        reservation.close()
        return False
    _reserved.append(reservation)
    while len(_reserved) > _MOST_RESERVED:
        _reserved.popleft().close()
    return True


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
            probe.listen(1)
        except OSError:
            return False
    return True


def _listeners() -> dict[int, tuple[int, str]]:
    """Listening TCP ports with pid and command, of those processes that the system lets us see."""
    try:
        connections = [(c, c.pid) for c in psutil.net_connections(kind="tcp")]
    except psutil.AccessDenied:  # macOS shows the whole table to root alone, but each of one's own processes
        connections = [(c, process.pid) for process in psutil.process_iter() for c in _of_process(process)]
    return {
        connection.laddr.port: (pid, _command(pid))
        for connection, pid in connections
        if connection.laddr and connection.status == psutil.CONN_LISTEN and pid
    }


def _of_process(process: psutil.Process) -> list[Any]:
    try:
        return list(process.net_connections(kind="tcp"))
    except psutil.Error:
        return []


def _command(pid: int) -> str:
    try:
        process = psutil.Process(pid)
        line = " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return "gone meanwhile"
    return textwrap.shorten(line, width=100, placeholder=" …")
