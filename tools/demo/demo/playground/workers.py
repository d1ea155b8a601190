"""Sink workers more or fewer, and which of them reads which partition."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from aiokafka.errors import KafkaError

from demo.playground.errors import PlaygroundError
from demo.playground.parts import PartStates
from demo.playground_parts import SPARES
from demo.sink_command import connector_names
from devservers.waiting import until

FIRST = "sink"
_READY_S = 60.0
_PATIENCE_S = 5.0
_PAUSE_S = 0.5
_GROUP = "connect-"
_CLIENT = "connector-consumer-"


@dataclass(frozen=True, slots=True)
class Workers:
    """The worker that is always there, and the spare ones."""

    parts: PartStates
    http: httpx.AsyncClient

    async def running(self) -> dict[str, str]:
        """Base URL of each worker that is there, by its name."""
        return {
            part.name: part.url
            for part in await self.parts.now()
            if part.name in (FIRST, *SPARES) and part.state != "stopped" and part.url
        }

    async def add(self) -> dict[str, Any]:
        """Start a spare one, and give every connector as many tasks as there are workers.

        Raises:
            PlaygroundError: all of them run, or it does not come up.
        """
        running = await self.running()
        spare = next((name for name in SPARES if name not in running), None)
        if spare is None:
            raise PlaygroundError("every worker that there is runs")
        await self.parts.start(spare)
        await self._until_ready(spare)
        workers = await self.running()
        await self._give_tasks(len(workers), at=workers[spare])
        return {"worker": spare, "workers": len(workers)}

    async def remove(self) -> dict[str, Any]:
        """Take the task of the last one from every connector, then stop it.

        Raises:
            PlaygroundError: only the first one runs.
        """
        running = await self.running()
        spare = next((name for name in reversed(SPARES) if name in running), None)
        if spare is None:
            raise PlaygroundError("the first worker stays")
        with suppress(PlaygroundError):  # the others take over the tasks of one that is gone
            await self._give_tasks(len(running) - 1, at=running[spare])
        await self.parts.stop(spare)
        return {"worker": spare, "workers": len(running) - 1}

    async def _until_ready(self, name: str) -> None:
        async def ready() -> bool:
            return any(part.name == name and part.state == "ready" for part in await self.parts.now())

        if not await until(ready, timeout_s=_READY_S):
            raise PlaygroundError(f"{name} is not ready after {_READY_S:.0f} s; see `./demo logs {name}`")

    async def _give_tasks(self, tasks: int, *, at: str) -> None:
        for connector in connector_names():
            where = f"{at}/connectors/{connector}/config"

            async def given(where: str = where) -> bool:
                """While the group of workers changes, commands are answered with 409: ask again."""
                try:
                    config = (await self.http.get(where, timeout=_PATIENCE_S)).raise_for_status().json()
                    changed = config | {"tasks.max": str(tasks)}
                    return (await self.http.put(where, json=changed, timeout=_PATIENCE_S)).is_success
                except (httpx.HTTPError, ValueError):
                    return False

            if not await until(given, timeout_s=_READY_S, pause_s=0.3):
                raise PlaygroundError(f"the connector {connector} takes no other number of tasks")


@dataclass(slots=True)
class Readers:
    """Who reads which partition, as Kafka says it of the connectors' consumer groups; kept while Kafka does not answer."""

    bootstrap: str
    found: Sequence[dict[str, Any]] = field(default_factory=tuple)
    """{connector, topic, partition, task, worker}, the worker by its address."""

    async def watch(self, looked_at: asyncio.Event) -> None:
        """Ask again and again while somebody looks, until cancelled."""
        while True:
            with suppress(KafkaError, OSError, TimeoutError, ValueError):
                await self._while_kafka_answers(looked_at)
            await asyncio.sleep(_PAUSE_S)

    async def _while_kafka_answers(self, looked_at: asyncio.Event) -> None:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await admin.start()
            while True:
                await looked_at.wait()
                looked_at.clear()
                async with asyncio.timeout(_PATIENCE_S):
                    self.found = await self._ask(admin)
                await asyncio.sleep(_PAUSE_S)
        finally:
            await admin.close()

    async def _ask(self, admin: AIOKafkaAdminClient) -> Sequence[dict[str, Any]]:
        # One group a request: answers about several cannot be told apart in this version of the client.
        answers = [await admin.describe_consumer_groups([_GROUP + name]) for name in connector_names()]
        return [reader for (answer,) in answers for group in answer.groups for reader in _readers(group[5])]


def _readers(members: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    found = []
    for _member, client_id, _host, _metadata, assignment in members:
        task, _, worker = str(client_id).removeprefix(_CLIENT).partition("@")
        connector, _, number = task.rpartition("-")
        if not str(client_id).startswith(_CLIENT) or not assignment:
            continue
        found += [
            {
                "connector": connector,
                "topic": place.topic,
                "partition": place.partition,
                "task": int(number) if number.isdigit() else 0,
                "worker": worker.rpartition("/")[2],
            }
            for place in ConsumerProtocolMemberAssignment.decode(assignment).partitions()
        ]
    return found
