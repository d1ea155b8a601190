"""Kafka's brokers and their controller.

Each broker is asked itself, over a connection of its own: what the others believe of it may be ten seconds old, and a
client that happens to ask the one that has just gone learns nothing of the rest.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from aiokafka.conn import AIOKafkaConnection, create_conn
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.metadata import MetadataRequest
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

_PATIENCE_S = 2.0
_AWAY = (KafkaError, TimeoutError, OSError)
_METADATA_TOPIC = "__cluster_metadata"


class _DescribeQuorumResponse(Response):  # type: ignore[misc]  # aiokafka has no types
    API_KEY = 55
    API_VERSION = 0
    _REPLICA = (("replica_id", Int32), ("log_end_offset", Int64), ("tags", TaggedFields))
    SCHEMA = Schema(
        ("error_code", Int16),
        (
            "topics",
            CompactArray(
                ("topic_name", CompactString("utf-8")),
                (
                    "partitions",
                    CompactArray(
                        ("partition_index", Int32),
                        ("error_code", Int16),
                        ("leader_id", Int32),
                        ("leader_epoch", Int32),
                        ("high_watermark", Int64),
                        ("current_voters", CompactArray(*_REPLICA)),
                        ("observers", CompactArray(*_REPLICA)),
                        ("tags", TaggedFields),
                    ),
                ),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeQuorumStruct(RequestStruct):  # type: ignore[misc]
    FLEXIBLE_VERSION = True
    API_KEY = 55
    API_VERSION = 0
    RESPONSE_TYPE = _DescribeQuorumResponse
    SCHEMA = Schema(
        (
            "topics",
            CompactArray(
                ("topic_name", CompactString("utf-8")),
                ("partitions", CompactArray(("partition_index", Int32), ("tags", TaggedFields))),
                ("tags", TaggedFields),
            ),
        ),
        ("tags", TaggedFields),
    )


class _DescribeQuorum(Request[_DescribeQuorumStruct]):  # type: ignore[misc]
    """Who leads the KRaft quorum (KIP-595). aiokafka lacks it, and `controller_id` of its metadata names any broker."""

    API_KEY = 55

    def build(self, request_struct_class: type[_DescribeQuorumStruct]) -> _DescribeQuorumStruct:
        return request_struct_class([(_METADATA_TOPIC, [(0, {})], {})], {})


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker that is, or was, part of the cluster. `up`: it has just answered itself."""

    node_id: int
    address: str
    up: bool
    controller: bool


class Brokers:
    """Asks every broker; one that has been seen is remembered, so that its absence can be shown."""

    def __init__(
        self,
        bootstrap: str,
        *,
        security: Callable[[], Mapping[str, Any]] = dict,
        patience_s: float = _PATIENCE_S,
    ) -> None:
        """Connects to nothing yet. `bootstrap` is a list of host:port, joined by commas; `security` gives the log-in."""
        self._bootstrap = tuple(each.strip() for each in bootstrap.split(","))
        self._security = security
        self._patience_s = patience_s
        self._known: dict[int, str] = {}
        self._connections: dict[str, AIOKafkaConnection] = {}
        self._controller: int | None = None
        self._late: set[str] = set()

    async def brokers(self) -> list[Broker]:
        """Every broker ever seen, by id, and whether it answers now; none before the first answer of any."""
        if not self._known:
            await self._ask(self._bootstrap)
        asked: set[str] = set()
        answering: set[str] = set()
        while unasked := set(self._known.values()) - asked:  # an answer may name brokers not heard of before
            asked |= unasked
            answering |= await self._ask(unasked)
        up = [node for node, address in sorted(self._known.items()) if address in answering]
        self._controller = await self._ask_for_controller(up)
        return [
            Broker(node, address, up=node in up, controller=node == self._controller)
            for node, address in sorted(self._known.items())
        ]

    async def aclose(self) -> None:
        """Let the connections go."""
        for address in tuple(self._connections):
            self._drop(address)

    async def _ask(self, addresses: Iterable[str]) -> set[str]:
        """Ask each of them for the cluster's brokers; gives those that answered."""
        asked = tuple(addresses)
        answers = await asyncio.gather(*(self._members(address) for address in asked))
        for members in answers:
            self._known |= members or {}
        return {address for address, members in zip(asked, answers, strict=True) if members is not None}

    async def _members(self, address: str) -> dict[int, str] | None:
        """The brokers' addresses by id, as this one knows them; None without an answer.

        One that is late for the first time is given another chance: it may be busy with what another one has left.
        """
        for _ in range(2):  # a connection kept since the last time may be of a broker that was restarted
            try:
                async with asyncio.timeout(self._patience_s):
                    answer = await (await self._connected(address)).send(MetadataRequest([]))
            except _AWAY as away:
                self._drop(address)
                if isinstance(away, TimeoutError):
                    again = address in self._late or address not in self._known.values()
                    self._late.add(address)
                    return None if again else {}
            else:
                self._late.discard(address)
                return {node: f"{host}:{port}" for node, host, port, *_ in answer.brokers}
        return None

    async def _ask_for_controller(self, up: Collection[int]) -> int | None:
        """The controller, if it is one of `up`: between two of them there is none for a moment."""
        try:
            async with asyncio.timeout(self._patience_s):
                for node in sorted(up, key=lambda each: each != self._controller):
                    leader = await self._leader(self._known[node])
                    if leader in up:
                        return leader
        except TimeoutError:
            pass
        return None

    async def _leader(self, address: str) -> int | None:
        try:
            answer: Any = await (await self._connected(address)).send(_DescribeQuorum())
            return int(answer.topics[0][1][0][2])
        except (*_AWAY, LookupError):
            self._drop(address)
            return None

    async def _connected(self, address: str) -> AIOKafkaConnection:
        connection = self._connections.get(address)
        if connection is None or not connection.connected():
            host, _, port = address.rpartition(":")
            timeout_ms = int(self._patience_s * 1000)
            connection = await create_conn(
                host.strip("[]"), int(port), request_timeout_ms=timeout_ms, **self._security()
            )
            self._connections[address] = connection
        return connection

    def _drop(self, address: str) -> None:
        if connection := self._connections.pop(address, None):
            connection.close()
