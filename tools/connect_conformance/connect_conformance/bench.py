"""What a rule is put to the worker with: a topic, a connector and a table of its own."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import httpx
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

Found = TypeVar("Found")
PAUSE_S = 0.2
MOVING = re.compile(
    "rebalance|momentarily"
)  # in what a worker says while its group shares out connectors anew
STRING = {"type": "string", "optional": False}
INT32 = {"type": "int32", "optional": True}
JSON_CONVERTER = "org.apache.kafka.connect.json.JsonConverter"


class ViolationError(AssertionError):
    """The worker does something else; the message says what, in one line."""


def require(*, holds: bool, otherwise: str) -> None:
    """Raise `ViolationError` unless it holds."""
    if not holds:
        raise ViolationError(otherwise)


def envelope(schema: Mapping[str, Any], payload: Any) -> bytes:
    """A value with its schema, as JsonConverter writes it."""
    return json.dumps({"schema": schema, "payload": payload}).encode()


def struct(payload: Mapping[str, Any], **fields: Mapping[str, Any]) -> bytes:
    """The envelope of a struct with these fields."""
    named = [{**schema, "field": name} for name, schema in fields.items()]
    return envelope({"type": "struct", "optional": False, "fields": named}, payload)


def person(id_: str, n: int | None = 1) -> bytes:
    """The value that most rules use: a text `id`, an optional int `n`."""
    return struct({"id": id_, "n": n}, id=STRING, n=INT32)


def key(id_: str) -> bytes:
    """A struct key with the one field `id`."""
    return struct({"id": id_}, id=STRING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The worker that is asked, and the servers it uses. `patience_s` is how long something is waited for."""

    rest: httpx.AsyncClient
    bootstrap: str
    database: str
    patience_s: float
    connector_class: str = "io.debezium.connector.jdbc.JdbcSinkConnector"

    def connection(self) -> dict[str, str]:
        """Where the connector writes to, in the keys of the JDBC sinks."""
        url = urlsplit(self.database)
        return {
            "connection.url": f"jdbc:postgresql://{url.hostname}:{url.port}{url.path}",
            "connection.username": url.username or "",
            "connection.password": url.password or "",
        }


@dataclass(slots=True, kw_only=True)
class Bench:
    """Names of one rule's own; `close` takes away whatever was made under them."""

    worker: Worker
    name: str = field(default_factory=lambda: f"conformance_{uuid.uuid4().hex[:12]}")
    _topics: list[str] = field(default_factory=list)

    @property
    def topic(self) -> str:
        """The topic, and so the table, unless a rule says otherwise."""
        return self.name

    @property
    def path(self) -> str:
        """Of the connector."""
        return f"/connectors/{self.name}"

    def config(self, **keys: str) -> dict[str, str]:
        """A connector's configuration; `insert__mode` stands for `insert.mode`."""
        given = {
            "connector.class": self.worker.connector_class,
            "topics": self.topic,
            "tasks.max": "1",
            "key.converter": JSON_CONVERTER,
            "value.converter": JSON_CONVERTER,
            "insert.mode": "upsert",
            "primary.key.mode": "record_value",
            "primary.key.fields": "id",
            "schema.evolution": "basic",
            **self.worker.connection(),
        }
        return given | {name.replace("__", "."): value for name, value in keys.items()}

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """One request; one that meets a rebalance (409 without a conflict of its own) is made again, as Connect asks for."""

        async def asked() -> httpx.Response | None:
            answer = await self.worker.rest.request(method, path, json=body)
            is_moving = answer.status_code == httpx.codes.CONFLICT and MOVING.search(answer.text)
            return None if is_moving else answer

        return await self.until(asked, what=f"{method} {path} to be answered")

    async def create(self, config: Mapping[str, str], *, running: bool = True) -> httpx.Response:
        """Make the connector, and wait until its task runs."""
        answer = await self.ask("POST", "/connectors", {"name": self.name, "config": dict(config)})
        require(
            holds=answer.status_code == httpx.codes.CREATED, otherwise=f"POST /connectors: {_brief(answer)}"
        )
        if running:
            await self.until_state("RUNNING", tasks=["RUNNING"])
        return answer

    async def until_state(self, connector: str, *, tasks: Sequence[str]) -> dict[str, Any]:
        """Wait for the states of the connector and of its tasks; its status then."""

        async def reached() -> dict[str, Any] | None:
            status = (await self.worker.rest.get(f"{self.path}/status")).json()
            states = [task["state"] for task in status.get("tasks", ())]
            is_there = status.get("connector", {}).get("state") == connector and states == list(tasks)
            return status if is_there else None

        return await self.until(
            reached, what=f"the connector to be {connector} and its tasks {', '.join(tasks) or 'none'}"
        )

    async def topics(self, *more: str) -> None:
        """Make the topic, and others."""
        names = [self.topic, *more]
        admin = AIOKafkaAdminClient(bootstrap_servers=self.worker.bootstrap)
        await admin.start()
        try:
            replicas = min(3, len(self.worker.bootstrap.split(",")))
            await admin.create_topics([NewTopic(name, 1, replicas) for name in names])
        finally:
            await admin.close()
        self._topics += names

    async def send(
        self, *records: tuple[bytes | None, bytes | None], topic: str = "", **headers: str
    ) -> None:
        """Send (key, value) pairs to one partition, in this order."""
        async with AIOKafkaProducer(bootstrap_servers=self.worker.bootstrap, acks="all") as producer:
            encoded = [(name, value.encode()) for name, value in headers.items()]
            for record_key, value in records:
                await producer.send(topic or self.topic, value, key=record_key, headers=encoded)
            await producer.flush()

    async def received(self, topic: str, count: int) -> list[Any]:
        """So many records of a topic."""
        consumer = AIOKafkaConsumer(
            topic, bootstrap_servers=self.worker.bootstrap, auto_offset_reset="earliest"
        )
        await consumer.start()
        try:
            async with asyncio.timeout(self.worker.patience_s):
                return [await consumer.getone() for _ in range(count)]
        except TimeoutError:
            raise ViolationError(f"fewer than {count} records came to {topic}") from None
        finally:
            await consumer.stop()

    async def execute(self, statement: str) -> None:
        """A statement with `T` as the table's name."""
        connection = await asyncpg.connect(self.worker.database)
        try:
            await connection.execute(statement.replace('"T"', f'"{self.topic}"'))
        finally:
            await connection.close()

    async def rows(self, query: str) -> list[tuple[Any, ...]]:
        """The rows of a query with `T` as the table's name; none while there is no such table or column."""
        connection = await asyncpg.connect(self.worker.database)
        try:
            return [tuple(row) for row in await connection.fetch(query.replace('"T"', f'"{self.topic}"'))]
        except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError):
            return []
        finally:
            await connection.close()

    async def until_rows(self, query: str, expected: Sequence[tuple[Any, ...]]) -> None:
        """Wait until a query has these rows."""
        found: list[tuple[Any, ...]] = []

        async def same() -> bool:
            found[:] = await self.rows(query)
            return found == list(expected)

        try:
            await self.until(same, what="the rows")
        except ViolationError:
            trace = await self._failure()
            raise ViolationError(f"rows are {found[:5]}, expected {list(expected)[:5]}{trace}") from None

    async def until(self, ask: Callable[[], Awaitable[Found | None]], *, what: str) -> Found:
        """Ask until the answer is one. Raises `ViolationError` when it takes too long."""
        deadline = time.monotonic() + self.worker.patience_s
        while not (found := await ask()):
            if time.monotonic() > deadline:
                raise ViolationError(f"waited in vain for {what}{await self._failure()}")
            await asyncio.sleep(PAUSE_S)
        return found

    async def close(self) -> None:
        """Remove connector, topics and table."""
        await self.worker.rest.delete(self.path)
        await self.execute('DROP TABLE IF EXISTS "T" CASCADE')
        if self._topics:
            admin = AIOKafkaAdminClient(bootstrap_servers=self.worker.bootstrap)
            await admin.start()
            try:
                await admin.delete_topics(self._topics)
            finally:
                await admin.close()

    async def _failure(self) -> str:
        """Why a task has failed, if one has: the last cause of its trace."""
        answer = await self.worker.rest.get(f"{self.path}/status")
        traces = (
            [task.get("trace", "") for task in answer.json().get("tasks", ())] if answer.is_success else []
        )
        causes = [
            line for trace in traces for line in trace.splitlines() if line and not line.startswith("\t")
        ]
        return f"; the task has failed: {causes[-1][:160]}" if causes else ""


def _brief(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:160]}"
