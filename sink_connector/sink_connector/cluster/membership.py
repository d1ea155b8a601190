"""Who is in the group of workers. Kafka's group protocol does it all: members, failure detection, a leader, generations.

A worker joins the group `group.id` as a consumer of the configuration topic that wants no partition: its assignor puts
the worker's address into its subscription, and the leader's answer to everybody is the list of addresses.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.cluster import ClusterMetadata
from aiokafka.coordinator.assignors.abstract import AbstractPartitionAssignor
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment, ConsumerProtocolMemberMetadata
from aiokafka.errors import KafkaError

from sink_connector.cluster.change_signal import ChangeSignal
from sink_connector.config.worker import WorkerConfig
from sink_connector.runtime import group_member
from sink_connector.runtime.closing import background
from sink_connector.runtime.predecessors import Predecessors
from sink_connector.runtime.retry import KAFKA_REFUSES

log = structlog.get_logger()

POLL_MS = 1_000  # the group's clock for a member that does nothing runs out after minutes
RETRY_S = 1.0
LEAVE_WITHIN_S = 5.0  # no broker answers: the others learn of it by their time-out, and the worker may end


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """The group as of one generation. A worker is known by the address at which its REST interface answers."""

    generation: int
    workers: tuple[str, ...]
    leader: str


class Membership(Protocol):
    """`view` is the last one known; while a rebalance is going on (`is_stable` is false) it may be out of date."""

    @property
    def me(self) -> str:
        """This worker's id: where its REST interface is reached."""
        ...

    @property
    def view(self) -> GroupView:
        """The group as this worker knows it."""
        ...

    @property
    def is_stable(self) -> bool:
        """Whether no rebalance is going on."""
        ...

    async def join(self) -> None:
        """Returns when this worker is a member and knows the others. Raises aiokafka's errors."""
        ...

    async def keep(self) -> None:
        """Stay a member until cancelled."""
        ...

    async def leave(self) -> None:
        """Leave at once, so that the others need not wait for a time-out."""
        ...


class SingleMember:
    """The membership of a worker without a group."""

    is_stable = True

    def __init__(self, me: str) -> None:
        """`me` is where the worker's REST interface is reached."""
        self.me = me
        self.view = GroupView(generation=0, workers=(me,), leader=me)

    async def join(self) -> None:
        """There is nobody to join."""

    async def keep(self) -> None:
        """Nobody comes or goes."""
        await asyncio.Event().wait()

    async def leave(self) -> None:
        """There is nobody to leave."""


class _AddressAssignor(AbstractPartitionAssignor):  # type: ignore[misc] # aiokafka has no types
    """Carries addresses where others assign partitions."""

    name = "sink-connector-workers"

    def __init__(self, me: str) -> None:
        self._me = me
        self.leader = ""
        self.workers: tuple[str, ...] = ()

    def metadata(self, topics: Iterable[str]) -> ConsumerProtocolMemberMetadata:
        return ConsumerProtocolMemberMetadata(0, list(topics), self._me.encode())

    def assign(
        self,
        cluster: ClusterMetadata,  # noqa: ARG002 - the signature is aiokafka's
        members: Mapping[str, ConsumerProtocolMemberMetadata],
    ) -> dict[str, ConsumerProtocolMemberAssignment]:
        """Runs in the leader alone."""
        workers = sorted({member.user_data.decode(errors="replace") for member in members.values()})
        answer = json.dumps({"leader": self._me, "workers": workers}).encode()
        return {member: ConsumerProtocolMemberAssignment(0, [], answer) for member in members}

    def on_assignment(self, assignment: ConsumerProtocolMemberAssignment) -> None:
        answer = json.loads(assignment.user_data)
        self.leader, self.workers = answer["leader"], tuple(answer["workers"])


class KafkaMembership(ConsumerRebalanceListener):  # type: ignore[misc] # as above
    """Membership in a group of workers from `join` to `leave`. `signal` is notified after every rebalance."""

    def __init__(self, config: WorkerConfig, *, client: Mapping[str, Any], signal: ChangeSignal) -> None:
        """`client` are aiokafka's options for any client of the cluster; nothing is connected yet."""
        self.me = config.advertised
        self._signal = signal
        self._config = config
        self._client = client
        self._assignor = _AddressAssignor(self.me)
        self._consumer: AIOKafkaConsumer | None = None
        self._joined = asyncio.Event()
        self._generation = 0

    @property
    def view(self) -> GroupView:
        """See `Membership`."""
        return GroupView(
            generation=self._generation, workers=self._assignor.workers, leader=self._assignor.leader
        )

    @property
    def is_stable(self) -> bool:
        """See `Membership`."""
        return self._joined.is_set()

    async def join(self) -> None:
        """Returns when this worker is a member and knows the others. Raises aiokafka's errors."""
        client_id = f"sink-worker@{self._config.identity}"
        self._consumer = AIOKafkaConsumer(
            **{**self._client, "client_id": client_id},
            group_id=self._config.group_id,
            session_timeout_ms=self._config.session_timeout_ms,
            heartbeat_interval_ms=self._config.heartbeat_interval_ms,
            rebalance_timeout_ms=self._config.rebalance_timeout_ms,
            partition_assignment_strategy=[self._assignor],
            enable_auto_commit=False,
        )
        await self._consumer.start()
        predecessors = await Predecessors.find(
            self._consumer._client,  # noqa: SLF001 - it is connected, and asks nothing else yet
            group=self._config.group_id,
            client_id=client_id,
        )
        self._consumer.subscribe([self._config.configs.name], listener=self)
        if predecessors.members:
            await predecessors.remove()
        await self._until_joined(self._consumer)

    async def _until_joined(self, consumer: AIOKafkaConsumer) -> None:
        """Ask meanwhile what went wrong: until somebody does, aiokafka waits with joining again."""
        while not self._joined.is_set():
            try:
                consumer._coordinator.check_errors()  # noqa: SLF001 - `getmany` asks so, and would wait for records
            except KafkaError as error:
                if isinstance(error, KAFKA_REFUSES) or _has_ended(consumer):
                    raise
                log.warning("group.join_failed", error=str(error))
            with suppress(TimeoutError):
                async with asyncio.timeout(RETRY_S):
                    await self._joined.wait()

    async def keep(self) -> None:
        """Stay a member until cancelled. A member that never polls is left out of the next rebalance."""
        while True:
            try:
                if self._consumer is None or _has_ended(self._consumer):
                    await self.leave()
                    await self.join()
                else:
                    await self._consumer.getmany(timeout_ms=POLL_MS)
            except KafkaError as error:
                log.warning("group.poll_failed", error=str(error))
                await asyncio.sleep(RETRY_S)

    async def leave(self) -> None:
        """Leave at once, so that the others need not wait for a time-out."""
        consumer, self._consumer = self._consumer, None
        self._joined.clear()
        if consumer is not None:
            await group_member.leave(consumer, within_s=LEAVE_WITHIN_S)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - there are none
        """A rebalance begins."""
        self._joined.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:  # noqa: ARG002 - as above
        """A rebalance has ended."""
        # The one thing aiokafka keeps to itself; statuses of an earlier generation are told by it.
        self._generation = self._consumer._coordinator.generation  # type: ignore[union-attr] # noqa: SLF001
        self._joined.set()
        log.info(
            "group.joined",
            workers=self._assignor.workers,
            leader=self._assignor.leader,
            generation=self._generation,
        )
        self._signal.notify()


def _has_ended(consumer: AIOKafkaConsumer) -> bool:
    """Whether it was never started, or one of the tasks behind it has ended; aiokafka begins no other."""
    return consumer._coordinator is None or any(task.done() for task in background(consumer))  # noqa: SLF001 - as above
