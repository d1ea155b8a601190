"""What a killed worker leaves in a group: members that Kafka keeps, with their partitions, until their session times out.

The worker that comes back knows better. Nobody else has its client ids, so an older member of the same client id is its
own, from before. It joins first and takes that member out then: the last member of a group taken out first would leave it
empty, and a new group waits for more members (`group.initial.rebalance.delay.ms`, 3 s) before it deals out partitions.

Should the older member be alive after all (two workers of one name), it is told so by its next heartbeat and joins again;
what it was writing meanwhile is refused by the epochs of the partitions.
"""

import asyncio
import contextlib
from dataclasses import dataclass

import structlog
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import DescribeGroupsRequest
from aiokafka.protocol.group import LeaveGroupRequest

log = structlog.get_logger()

POLL_S = 0.05
PATIENCE_S = 10.0  # what Kafka itself would need by then


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessors:
    """The members that were in `group` under `client_id` before this worker joined it."""

    client: AIOKafkaClient
    group: str
    client_id: str
    members: frozenset[str] = frozenset()

    @classmethod
    async def find(cls, client: AIOKafkaClient, *, group: str, client_id: str) -> "Predecessors":
        """Ask for them; to be called before joining. None are found when Kafka does not answer or does not allow to ask."""
        asking = cls(client=client, group=group, client_id=client_id)
        try:
            members = await asking._current()
        except KafkaError as error:
            log.warning("group.not_described", group=group, error=repr(error))
            return asking
        return cls(client=client, group=group, client_id=client_id, members=members)

    async def remove(self) -> None:
        """Take them out as soon as this worker is in the group. What fails is left to the session's time-out."""
        try:
            await self._until_joined()
            for member in sorted(self.members):
                await self._take_out(member)
        except KafkaError as error:
            log.warning("group.predecessor_kept", group=self.group, error=repr(error))

    async def _until_joined(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while not await self._current() - self.members:  # noqa: ASYNC110 - Kafka can only be asked
                    await asyncio.sleep(POLL_S)

    async def _current(self) -> frozenset[str]:
        node = await self.client.coordinator_lookup(CoordinationType.GROUP, self.group)
        answer = await self.client.send(node, DescribeGroupsRequest([self.group]))
        ((code, _, _, _, _, members, *_),) = answer.groups
        if code:
            raise for_code(code)
        return frozenset(member for member, client_id, *_ in members if client_id == self.client_id)

    async def _take_out(self, member: str) -> None:
        node = await self.client.coordinator_lookup(CoordinationType.GROUP, self.group)
        answer = await self.client.send(node, LeaveGroupRequest(self.group, member))
        error = for_code(answer.error_code) if answer.error_code else None
        log.info("group.predecessor_removed", group=self.group, member=member, error=error and error.__name__)
