"""What a killed worker left in a group is taken out by the one that comes back, and nobody else is."""

import asyncio
import contextlib
import json
import signal
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer
from aiokafka.client import AIOKafkaClient, CoordinationType
from aiokafka.errors import MemberIdRequired
from aiokafka.protocol.group import JoinGroupRequest, SyncGroupRequest

from devservers.ports import free_ports
from sink_connector.runtime.predecessors import Predecessors
from tests.conftest import MakeTopic
from tests.support.sink import INT64, Message, configuration, send, struct
from tests.support.sink_worker import SinkWorker, run_of_file
from tests.support.waiting import wait_until

PATIENT_MS = 300_000
ME, ANOTHER = "task-0@here", "task-0@there"
NO_TOPICS = b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
"""A consumer's metadata: version, no topics, no data."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """A group of the test's own, and a connection to ask about it."""

    client: AIOKafkaClient
    bootstrap: str
    topic: str
    group: str

    async def silent_member(self, client_id: str) -> str:
        """A member that never sends a heartbeat, as one whose process was killed."""
        client = AIOKafkaClient(bootstrap_servers=self.bootstrap, client_id=client_id)
        await client.bootstrap()
        try:
            node = await client.coordinator_lookup(CoordinationType.GROUP, self.group)
            member, code = "", MemberIdRequired.errno
            while code == MemberIdRequired.errno:
                join = JoinGroupRequest(
                    self.group, PATIENT_MS, 10_000, member, None, "consumer", [("roundrobin", NO_TOPICS)]
                )
                joined = await client.send(node, join)
                member, code = joined.member_id, joined.error_code
            assert code == 0
            sync = SyncGroupRequest(self.group, joined.generation_id, member, None, [])
            assert (await client.send(node, sync)).error_code == 0
            return str(member)
        finally:
            await client.close()

    @contextlib.asynccontextmanager
    async def consumer(self, client_id: str) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer that joins as a task does: it asks first, and takes out its predecessors."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap,
            group_id=self.group,
            client_id=client_id,
            session_timeout_ms=PATIENT_MS,
            heartbeat_interval_ms=200,
        )
        await consumer.start()
        predecessors = await Predecessors.find(self.client, group=self.group, client_id=client_id)
        consumer.subscribe([self.topic])
        try:
            await predecessors.remove()
            yield consumer
        finally:
            await consumer.stop()


@pytest.fixture
async def scene(kafka_bootstrap: str, make_topic: MakeTopic) -> AsyncIterator[Scene]:
    client = AIOKafkaClient(bootstrap_servers=kafka_bootstrap)
    await client.bootstrap()
    topic = await make_topic(partitions=4)
    yield Scene(client=client, bootstrap=kafka_bootstrap, topic=topic, group=f"test-{uuid.uuid4().hex[:12]}")
    await client.close()


async def have(count: int, *consumers: AIOKafkaConsumer) -> None:
    """Wait until the consumers have so many partitions between them."""

    async def assigned() -> bool:
        return sum(len(each.assignment()) for each in consumers) == count

    await wait_until(assigned, timeout_s=60, what=f"{count} partitions to be assigned")


async def test_a_member_that_was_killed_is_taken_out_by_the_next_of_its_client_id(scene: Scene) -> None:
    await scene.silent_member(ME)
    async with scene.consumer(ME) as consumer:
        await have(4, consumer)


async def test_a_silent_member_of_another_client_id_is_left_to_its_time_out(scene: Scene) -> None:
    silent = await scene.silent_member(ANOTHER)
    found = await Predecessors.find(scene.client, group=scene.group, client_id=ME)
    assert found.members == frozenset()
    found = await Predecessors.find(scene.client, group=scene.group, client_id=ANOTHER)
    assert found.members == {silent}


async def test_two_of_one_client_id_do_not_fight(scene: Scene) -> None:
    """The older one is told by its next heartbeat, joins again, and both stay."""
    async with scene.consumer(ME) as older:
        await have(4, older)
        async with scene.consumer(ME) as newer:
            await have(4, older, newer)
            await have(2, newer)
            await have(2, older)


async def test_of_a_group_that_cannot_be_asked_about_nobody_is_taken_out(scene: Scene) -> None:
    found = await Predecessors.find(scene.client, group="", client_id=ME)
    assert found.members == frozenset()


async def test_run_writes_again_without_waiting_for_the_session_of_the_killed_one(
    kafka_bootstrap: str,
    database: str,
    make_topic: MakeTopic,
    tmp_path: Path,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    topic = await make_topic()
    target = await asyncpg.connect(database)
    await target.execute("CREATE TABLE arrivals (n bigint NOT NULL)")
    given = configuration(
        database, topics=topic, table__name__format="arrivals", insert__mode="insert", pk__mode="none"
    ) | {"consumer.override.session.timeout.ms": str(PATIENT_MS)}
    file = tmp_path / "connector.json"
    file.write_text(json.dumps({"name": given["name"], "config": given}))
    (port,) = free_ports(1)

    async def arrives(number: int) -> None:
        await send(kafka_bootstrap, topic, [Message(value=struct({"n": number}, n=INT64))])

        async def is_there() -> bool:
            count: int = await target.fetchval("SELECT count(*) FROM arrivals")
            return count == number + 1

        await wait_until(is_there, timeout_s=60, what=f"record {number} to arrive")

    def start(running: contextlib.ExitStack) -> SinkWorker:
        return running.enter_context(run_of_file(file, bootstrap=kafka_bootstrap, port=port))

    try:
        with contextlib.ExitStack() as running:
            first = await asyncio.to_thread(start, running)
            await arrives(0)
            first.kill(signal.SIGKILL)
            await asyncio.to_thread(first.process.wait)
            started = time.monotonic()
            await asyncio.to_thread(start, running)
            await arrives(1)
            record_testsuite_property("run back after, s", round(time.monotonic() - started, 2))
    finally:
        await target.close()
