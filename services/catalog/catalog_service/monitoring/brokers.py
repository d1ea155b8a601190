"""Kafka's brokers and their controller."""

import asyncio
import contextlib
from dataclasses import dataclass, field

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import CompactArray, CompactString, Int16, Int32, Int64, Schema, TaggedFields

_PATIENCE_S = 2.0
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
    """One broker that is, or was, part of the cluster."""

    node_id: int
    address: str
    up: bool
    controller: bool


@dataclass(slots=True)
class Brokers:
    """Asks one broker after the other; a broker once seen is remembered, so that its absence can be shown."""

    bootstrap: str
    _known: dict[int, str] = field(default_factory=dict)
    _admin: AIOKafkaAdminClient | None = None

    async def brokers(self) -> list[Broker]:
        """Every broker ever seen, by id: all of them down while none answers, and none before the first answer."""
        # The first question may have gone to the very broker that has just gone; the second one takes new connections.
        up, controller = await self._asked() or await self._asked() or ({}, None)
        self._known |= up
        return [
            Broker(node, address, up=node in up, controller=node == controller)
            for node, address in sorted(self._known.items())
        ]

    async def _asked(self) -> tuple[dict[int, str], int | None] | None:
        """The brokers' addresses by id and who is the controller; None without an answer."""
        try:
            async with asyncio.timeout(_PATIENCE_S):
                admin = await self._connected()
                described = (await admin.describe_cluster())["brokers"]
                up = {each["node_id"]: f"{each['host']}:{each['port']}" for each in described}
                return up, await self._controller(admin, list(up))
        except (KafkaError, TimeoutError, OSError):
            await self.aclose()  # its connections may be half-open: the next question makes new ones
            return None

    async def aclose(self) -> None:
        """Let the connections go."""
        admin, self._admin = self._admin, None
        if admin is not None:
            await _close(admin)

    async def _connected(self) -> AIOKafkaAdminClient:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=1_000)
            try:
                await admin.start()
            except BaseException:
                await _close(admin)
                raise
            self._admin = admin
        return self._admin

    @staticmethod
    async def _controller(admin: AIOKafkaAdminClient, nodes: list[int]) -> int | None:
        for node in nodes:
            with contextlib.suppress(KafkaError, TimeoutError):
                answer = await admin._send_request_to_node(node, _DescribeQuorum())  # noqa: SLF001 - no public door
                leader = answer.topics[0][1][0][2]
                return int(leader) if leader >= 0 else None
        return None


async def _close(admin: AIOKafkaAdminClient) -> None:
    """Within a bound: what is asked every two seconds must not wait for ever for a broker that has gone."""
    with contextlib.suppress(KafkaError, TimeoutError, OSError):
        async with asyncio.timeout(_PATIENCE_S):
            await admin.close()
