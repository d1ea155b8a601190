"""Workers of one group: any of them answers for all, tasks move with the members, and no move loses or doubles a record."""

import asyncio
import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer

from devservers.ports import free_ports
from sink_connector.cli import deployment
from tests.conftest import MakeTopic
from tests.contract.sink.record_connect_rest import delete_topics
from tests.support.sink import INT64, Message, send, struct
from tests.support.sink_worker import Group, SinkWorker, is_rebalancing, sink_worker
from tests.support.waiting import wait_until

PARTITIONS = 8
TASKS = 4
PATIENT_MS = "300000"  # a session time-out that no test outlasts
PAUSE_S = 0.02  # between two rounds of records, one to each partition
ROUNDS, ROUND_S = 8, 3.0
STALL_S = 60.0  # the longest that nothing may arrive while workers come and go


@dataclass(slots=True, kw_only=True)
class Scene:
    """A group of workers, a topic and a table without a key: a record written twice there is two rows."""

    group: Group
    topic: str
    database: str
    target: asyncpg.Connection
    directory: Path
    running: contextlib.ExitStack

    async def start(
        self,
        count: int = 1,
        *,
        ports: Sequence[int] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> list[SinkWorker]:
        """More workers, ready."""

        def start(port: int) -> SinkWorker:
            worker = sink_worker(self.group, port=port, directory=self.directory, environment=environment)
            return self.running.enter_context(worker)

        return await asyncio.gather(*(asyncio.to_thread(start, port) for port in ports or free_ports(count)))

    @property
    def connector(self) -> dict[str, str]:
        return {
            "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
            "tasks.max": str(TASKS),
            "topics": self.topic,
            "connection.url": self.database,
            "table.name.format": "arrivals",
            "insert.mode": "insert",
            "pk.mode": "none",
            "consumer.override.session.timeout.ms": "6000",
            "consumer.override.heartbeat.interval.ms": "1000",
        }

    @contextlib.asynccontextmanager
    async def load(self) -> AsyncIterator[list[int]]:
        """Records numbered from 0, to all partitions in turn, until the block ends; the list holds how many are in Kafka."""
        sent = [0]
        stop = asyncio.Event()

        async def send() -> None:
            async with AIOKafkaProducer(bootstrap_servers=self.group.bootstrap, acks="all") as producer:
                while not stop.is_set():
                    for partition in range(PARTITIONS):
                        await producer.send(self.topic, struct({"n": sent[0]}, n=INT64), partition=partition)
                        sent[0] += 1
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(stop.wait(), PAUSE_S)
                await producer.flush()

        sending = asyncio.create_task(send())
        try:
            yield sent
        finally:
            stop.set()
            await sending

    async def arrived(self) -> int:
        count: int = await self.target.fetchval("SELECT count(*) FROM arrivals")
        return count

    async def have_arrived(self, count: int, *, timeout_s: float = 60) -> None:
        async def enough() -> bool:
            return await self.arrived() >= count

        await wait_until(enough, timeout_s=timeout_s, what=f"{count} records to arrive")

    async def all_have_arrived_once(self, sent: int) -> None:
        await self.have_arrived(sent)
        row = await self.target.fetchrow("SELECT count(*), count(DISTINCT n), min(n), max(n) FROM arrivals")
        assert row is not None
        assert tuple(row) == (sent, sent, 0, sent - 1)


@pytest.fixture
async def scene(
    kafka_bootstrap: str, database: str, make_topic: MakeTopic, tmp_path: Path
) -> AsyncIterator[Scene]:
    target = await asyncpg.connect(database)
    await target.execute("CREATE TABLE arrivals (n bigint NOT NULL)")
    group = Group(bootstrap=kafka_bootstrap)
    topic = await make_topic(partitions=PARTITIONS)
    with contextlib.ExitStack() as running:
        yield Scene(
            group=group, topic=topic, database=database, target=target, directory=tmp_path, running=running
        )
    await delete_topics(kafka_bootstrap, group.topics)
    await target.close()


async def ask(worker: SinkWorker, method: str, path: str, body: Any = None) -> httpx.Response:
    """The answer, once the worker's group is not changing any more."""
    async with httpx.AsyncClient(base_url=worker.url, timeout=60) as client:

        async def answered() -> httpx.Response | None:
            answer = await client.request(method, path, json=body)
            return None if is_rebalancing(answer) else answer

        answer = await wait_until(answered, what=f"{method} {path} is answered")
        assert answer is not None
        return answer


async def deploy(worker: SinkWorker, scene: Scene) -> None:
    answer = await ask(worker, "PUT", "/connectors/arrivals/config", scene.connector)
    assert answer.status_code == httpx.codes.CREATED, answer.text


async def homes(worker: SinkWorker) -> dict[int, str] | None:
    """Task → worker, when every task runs; None before."""
    tasks = (await ask(worker, "GET", "/connectors/arrivals/status")).json().get("tasks", [])
    assert not [task for task in tasks if task["state"] == "FAILED"], tasks
    if len(tasks) != TASKS or any(task["state"] != "RUNNING" for task in tasks):
        return None
    return {task["id"]: task["worker_id"] for task in tasks}


async def spread(*over: SinkWorker) -> None:
    """Wait until the tasks are spread over exactly these workers, and every one of them says so."""
    wanted = sorted(worker.id for worker in over)

    async def agreed() -> bool:
        seen = [await homes(worker) for worker in over]
        return all(each is not None and sorted(set(each.values())) == wanted for each in seen)

    await wait_until(agreed, timeout_s=60, what=f"the tasks to be spread over {wanted}")


@pytest.mark.guarantees("G-SINK-4")
@pytest.mark.slow
async def test_from_one_worker_to_four_and_back_under_load_nothing_is_lost_or_doubled(scene: Scene) -> None:
    (first,) = await scene.start()
    await deploy(first, scene)
    async with scene.load() as sent:
        await spread(first)
        others = await scene.start(3)
        await spread(first, *others)
        await scene.have_arrived(sent[0])
        for leaving in others:
            assert await asyncio.to_thread(leaving.stop) == 0
        await spread(first)
    await scene.all_have_arrived_once(sent[0])


@pytest.mark.guarantees("G-SINK-4")
@pytest.mark.slow
@pytest.mark.timeout(280)
async def test_while_a_worker_joins_and_another_leaves_every_three_seconds_records_go_on_arriving_once(
    scene: Scene, record_testsuite_property: Callable[[str, object], None]
) -> None:
    (constant,) = await scene.start()
    await deploy(constant, scene)
    guests: list[SinkWorker] = []
    rounds: list[float] = []
    async with scene.load() as sent:
        await scene.have_arrived(100)
        for _ in range(ROUNDS):
            began, before = time.monotonic(), await scene.arrived()
            joining = asyncio.create_task(scene.start())
            if guests:
                assert await asyncio.to_thread(guests.pop().stop) == 0
            guests += await joining
            await scene.have_arrived(before + 1, timeout_s=STALL_S)
            rounds.append(round(time.monotonic() - began, 1))
            await asyncio.sleep(began + ROUND_S - time.monotonic())  # the rhythm is the fault
        await spread(constant, *guests)
        await scene.have_arrived(sent[0])
    await scene.all_have_arrived_once(sent[0])
    record_testsuite_property("rounds of workers that join and leave, s", rounds)
    events = {json.loads(line)["event"] for line in constant.log.read_text().splitlines()}
    assert not events & {"task.failed", "task.stop_timed_out"}


async def test_a_lone_worker_that_was_killed_does_not_wait_for_its_own_session_to_time_out(
    scene: Scene, record_testsuite_property: Callable[[str, object], None]
) -> None:
    """Its members of both groups, the workers' and the connector's, would be waited for for minutes."""
    patient = {"SINK_SESSION_TIMEOUT_MS": PATIENT_MS}
    (port,) = free_ports(1)
    (worker,) = await scene.start(ports=(port,), environment=patient)
    connector = scene.connector | {"consumer.override.session.timeout.ms": PATIENT_MS, "tasks.max": "2"}
    created = await ask(worker, "PUT", "/connectors/arrivals/config", connector)
    assert created.status_code == httpx.codes.CREATED, created.text
    async with scene.load() as sent:
        await scene.have_arrived(100)
        worker.kill(signal.SIGKILL)
        await asyncio.to_thread(worker.process.wait)
        written = await scene.arrived()
        started = time.monotonic()
        await scene.start(ports=(port,), environment=patient)
        await scene.have_arrived(written + 1)
        record_testsuite_property("worker back after, s", round(time.monotonic() - started, 2))
    await scene.all_have_arrived_once(sent[0])


@pytest.mark.guarantees("G-SINK-4")
@pytest.mark.slow
async def test_a_worker_stopped_past_the_session_timeout_can_write_nothing_when_it_goes_on(
    scene: Scene,
) -> None:
    zombie, survivor = await scene.start(2)
    await deploy(survivor, scene)
    async with scene.load() as sent:
        await spread(zombie, survivor)
        zombie.kill(signal.SIGSTOP)
        await spread(survivor)
        await scene.have_arrived(sent[0])
        zombie.kill(signal.SIGCONT)
        await spread(zombie, survivor)
    await scene.all_have_arrived_once(sent[0])


async def test_any_worker_answers_and_a_new_one_knows_everything(scene: Scene) -> None:
    first, second = await scene.start(2)
    names = {worker: f"of-{worker.id.rpartition(':')[2]}" for worker in (first, second)}
    for worker, name in names.items():  # one of the two leads; the other hands on and answers the same
        created = await ask(worker, "PUT", f"/connectors/{name}/config", scene.connector)
        assert created.status_code == httpx.codes.CREATED, created.text
        assert created.headers["location"] == f"{worker.url}/connectors/{name}"
        again = await ask(worker, "POST", "/connectors", {"name": name, "config": scene.connector})
        assert again.status_code == httpx.codes.CONFLICT
        stopped = await ask(worker, "PUT", f"/connectors/{name}/stop")
        assert stopped.status_code == httpx.codes.NO_CONTENT
        assert name in (await ask(worker, "GET", "/connectors")).json()
    for worker in (first, second):
        assert await asyncio.to_thread(worker.stop) == 0
    (third,) = await scene.start()
    assert (await ask(third, "GET", "/connectors")).json() == sorted(names.values())
    stored = (await ask(third, "GET", f"/connectors/{names[first]}/config")).json()
    assert {**stored, "connection.url": scene.database} == {**scene.connector, "name": names[first]}

    async def vouches() -> bool:
        status = (await ask(third, "GET", f"/connectors/{names[first]}/status")).json()
        return (status["connector"]["state"], status["connector"]["worker_id"]) == ("STOPPED", third.id)

    await wait_until(vouches, what="the new worker to vouch for the stopped connector")


async def test_a_worker_under_load_stops_in_order(scene: Scene) -> None:
    (worker,) = await scene.start()
    await deploy(worker, scene)
    async with scene.load():
        await scene.have_arrived(100)
        assert await asyncio.to_thread(worker.stop) == 0
    events = [json.loads(line) for line in worker.log.read_text().splitlines()]
    assert [each for each in events if each["level"] == "error"] == []


async def test_deploying_again_disturbs_nothing_and_what_has_failed_is_tried_once_more(scene: Scene) -> None:
    (worker,) = await scene.start()
    connector = {**scene.connector, "name": "arrivals", "tasks.max": "1"}

    async def arrives(number: int) -> int:
        await send(scene.group.bootstrap, scene.topic, [Message(value=struct({"n": number}, n=INT64))])
        await scene.have_arrived(number + 1)
        claims: int = await scene.target.fetchval("SELECT sum(epoch) FROM sink.offsets")
        return claims

    def deploy_again() -> None:
        deployment.deploy([connector], url=worker.url, wait_s=60)

    await asyncio.to_thread(deploy_again)
    claims = await arrives(0)
    await asyncio.to_thread(deploy_again)
    assert await arrives(1) == claims
    await send(scene.group.bootstrap, scene.topic, [Message(value=b"bad")])

    async def failed() -> bool:
        status = (await ask(worker, "GET", "/connectors/arrivals/tasks/0/status")).json()
        return bool(status["state"] == "FAILED")

    await wait_until(failed, what="the task to fail")
    with pytest.raises(deployment.DeployError, match=r"\Aarrivals has failed: [^\n]*offset 2[^\n]*\Z"):
        await asyncio.to_thread(deploy_again)
    assert await scene.target.fetchval("SELECT sum(epoch) FROM sink.offsets") > claims
