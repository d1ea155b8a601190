"""A worker's place in its group when aiokafka's own loop is in trouble, which it tells only to who asks."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.errors import GroupAuthorizationFailedError, KafkaConnectionError, KafkaError

from sink_connector.cluster import membership as module
from sink_connector.cluster.change_signal import ChangeSignal
from sink_connector.cluster.membership import KafkaMembership
from sink_connector.config.worker import WorkerConfig
from sink_connector.runtime import group_member
from sink_connector.runtime.predecessors import Predecessors
from tests.support.waiting import wait_until


@dataclass(slots=True)
class Coordinator:
    """Keeps `errors` until it is asked for them; the group is joined once there are none left."""

    errors: list[KafkaError] = field(default_factory=list)
    has_ended: bool = False
    generation: int = 1
    listener: Any = None
    _joining: "asyncio.Task[None] | None" = None

    @property
    def _coordination_task(self) -> "Coordinator":
        return self

    def done(self) -> bool:
        return self.has_ended

    def check_errors(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self._joining = asyncio.create_task(self.listener.on_partitions_assigned(()))


@dataclass(slots=True)
class Consumer:
    """Of one coordinator; polls fail once that has ended."""

    _coordinator: Coordinator
    _client: Any = None
    _fetcher: None = None
    polls: int = 0

    async def start(self) -> None:
        """Nothing to connect to."""

    def subscribe(self, _topics: Iterable[str], *, listener: object) -> None:
        self._coordinator.listener = listener

    async def getmany(self, *, timeout_ms: int) -> None:
        self.polls += 1
        await asyncio.sleep(timeout_ms / 100_000)
        if self._coordinator.has_ended:
            raise KafkaConnectionError("the loop has ended")


@pytest.fixture
def coordinators(monkeypatch: pytest.MonkeyPatch) -> list[Coordinator]:
    """Those of the consumers to come."""
    coming: list[Coordinator] = []
    waiting: Iterator[Coordinator] = iter(coming)

    async def nobody(*_: object, **__: object) -> Predecessors:
        client: Any = None
        return Predecessors(client=client, group="g", client_id="c")

    async def left(*_: object, **__: object) -> None:
        """It is closed."""

    monkeypatch.setattr(module, "AIOKafkaConsumer", lambda **_: Consumer(next(waiting)))
    monkeypatch.setattr(Predecessors, "find", nobody)
    monkeypatch.setattr(group_member, "leave", left)
    monkeypatch.setattr(module, "RETRY_S", 0.01)
    return coming


@pytest.fixture
def membership() -> KafkaMembership:
    return KafkaMembership(WorkerConfig(bootstrap_servers="127.0.0.1:1"), client={}, signal=ChangeSignal())


async def test_what_went_wrong_while_joining_is_asked_for_and_the_worker_joins_all_the_same(
    membership: KafkaMembership, coordinators: list[Coordinator]
) -> None:
    coordinators.append(Coordinator([KafkaError("the coordinator is loading")]))
    async with asyncio.timeout(60):
        await membership.join()
    assert membership.is_stable


@pytest.mark.parametrize(
    "coordinator",
    [Coordinator([GroupAuthorizationFailedError("g")]), Coordinator([KafkaError("died")], has_ended=True)],
    ids=["refused", "the loop has ended"],
)
async def test_a_worker_that_cannot_join_says_why_instead_of_waiting_for_ever(
    membership: KafkaMembership, coordinators: list[Coordinator], coordinator: Coordinator
) -> None:
    coordinators.append(coordinator)
    with pytest.raises(KafkaError):
        await asyncio.wait_for(membership.join(), 60)


async def test_a_member_that_is_told_of_no_new_brokers_any_more_joins_anew(
    membership: KafkaMembership, coordinators: list[Coordinator]
) -> None:
    coordinators.extend((Coordinator(generation=1), Coordinator(generation=2)))
    await membership.join()
    consumer: Any = membership._consumer  # noqa: SLF001 - whose metadata task ends
    consumer._client = SimpleNamespace(_sync_task=asyncio.get_running_loop().create_future())  # noqa: SLF001
    keeping = asyncio.create_task(membership.keep())
    consumer._client._sync_task.cancel()  # noqa: SLF001
    try:
        await wait_until(lambda: membership.view.generation == 2)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)


async def test_a_member_whose_loop_has_ended_joins_anew(
    membership: KafkaMembership, coordinators: list[Coordinator]
) -> None:
    first, second = Coordinator(generation=1), Coordinator(generation=2)
    coordinators.extend((first, second))
    await membership.join()
    keeping = asyncio.create_task(membership.keep())
    first.has_ended = True
    try:
        await wait_until(lambda: membership.view.generation == 2)
        assert not keeping.done()
    finally:
        keeping.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeping
