"""A server whose name leads to another address from some moment on, as after a restart elsewhere."""

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from devservers.ports import free_ports
from devservers.tcp_proxy import TcpProxy, tcp_proxy

ADDRESSES = ("127.0.0.1", "127.0.0.2")
"""Both of the loopback interface."""


@dataclass(slots=True)
class MovingAddress:
    """`dsn` and `place` (`name:port`) name the server. Until `move` the name leads to the first address, then to the second."""

    dsn: str
    place: str
    ways: tuple[TcpProxy, TcpProxy]
    leads_to: str = ADDRESSES[0]

    def move(self) -> None:
        """From here on the first address refuses everything."""
        self.ways[0].cut()
        self.ways[1].open()
        self.leads_to = ADDRESSES[1]


@asynccontextmanager
async def moving_address(
    dsn: str, monkeypatch: pytest.MonkeyPatch, *, name: str, port: int | None = None
) -> AsyncIterator[MovingAddress]:
    """`name` stands for the host in `dsn`, in this process alone; `port` is that of both addresses, a free one by default."""
    (through,) = (port,) if port else free_ports(1)
    target = urlsplit(dsn)
    async with (
        tcp_proxy(dsn, port=through, host=ADDRESSES[0]) as first,
        tcp_proxy(dsn, port=through, host=ADDRESSES[1]) as second,
    ):
        second.cut()
        place = f"{name}:{through}"
        user = target.netloc.rpartition("@")[0]
        moving = MovingAddress(
            dsn=urlunsplit(target._replace(netloc=f"{user}@{place}" if user else place)),
            place=place,
            ways=(first, second),
        )
        resolve = socket.getaddrinfo

        def resolved(host: Any, *more: Any, **how: Any) -> Any:
            return resolve(moving.leads_to if host in (name, name.encode()) else host, *more, **how)

        monkeypatch.setattr(socket, "getaddrinfo", resolved)
        yield moving
