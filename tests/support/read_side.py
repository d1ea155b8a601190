"""A catalog on real parts: topics of its own, a read database of its own, and a sink whose every step a test decides."""

import asyncio
import contextlib
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer

from catalog_service.bootstrap import running
from catalog_service.serving import http_server
from catalog_service.settings import Settings
from sink_connector.dead_letters.table import SQL as DEAD_LETTERS
from sink_connector.sink.offsets import Partition, alter
from tests.support.waiting import wait_until

BEGIN = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
Row = dict[str, Any]


def an_order(number: int, **different: Any) -> Row:
    """An order's state; its number decides its id and its place in time (one a second)."""
    placed_at = datetime.fromtimestamp(BEGIN.timestamp() + number, UTC)
    return {
        "order_id": f"order-1-{number:06d}",
        "user_id": "ada",
        "status": "PENDING",
        "lines": [{"product_id": "tea", "quantity": 2, "unit_price_cents": 450}],
        "total_cents": 900,
        "version": 1,
        "instance": "order-1",
        "reason": None,
        "placed_at": placed_at,
        "updated_at": placed_at,
    } | different


def a_product(product_id: str, **different: Any) -> Row:
    """A product's state."""
    name = product_id.title()
    return {
        "product_id": product_id,
        "name": name,
        "unit_price_cents": 450,
        "stock_available": 10,
        "stock_reserved": 0,
        "version": 1,
        "instance": "order-1",
        "updated_at": BEGIN,
    } | different


@dataclass(slots=True, kw_only=True)
class ReadModel:
    """The read tables, filled by hand."""

    database: asyncpg.Connection
    settings: Settings

    async def write(self, table: str, *rows: Row) -> None:
        """Rows alone, without Kafka: what queries are tested on."""
        await self._upsert(table, rows)

    async def _upsert(self, table: str, rows: Any) -> None:
        columns = list(a_product("") if table == "products" else an_order(0))
        key = {"orders": "order_id", "products": "product_id", "order_history": "order_id, version"}[table]
        values = ", ".join(f"${number}" for number in range(1, len(columns) + 1))
        changes = ", ".join(f"{column} = excluded.{column}" for column in columns)
        await self.database.executemany(
            f"INSERT INTO {table} AS t ({', '.join(columns)}) VALUES ({values}) "  # noqa: S608 - names of this module
            f"ON CONFLICT ({key}) DO UPDATE SET {changes} WHERE t.version < excluded.version",
            [[json.dumps(row[name]) if name == "lines" else row[name] for name in columns] for row in rows],
        )


@dataclass(slots=True, kw_only=True)
class ReadSide(ReadModel):
    """Publishes records as an order service does and commits them as the sink does, each when told to."""

    producer: AIOKafkaProducer

    @property
    def prefix(self) -> str:
        """What stands before the names of its topics."""
        return self.settings.topic_prefix

    def record(self, topic: str, row: Row) -> tuple[str, bytes, bytes]:
        """Topic, value and key as they go to Kafka."""
        payload = {
            name: int(value.timestamp() * 1000) if isinstance(value, datetime) else value
            for name, value in row.items()
        }
        key = row["order_id" if topic == "orders" else "product_id"]
        value = json.dumps({"schema": {}, "payload": payload}).encode()
        return self.prefix + topic, value, envelope_key(key)

    async def publish(
        self, topic: str, row: Row, *, kind: str = "order.placed.v1", trace: str = ""
    ) -> tuple[int, int]:
        """Into Kafka, with `trace` as its `traceparent`; gives partition and offset."""
        name, value, key = self.record(topic, row)
        headers = [("ce_type", kind.encode()), *([("traceparent", trace.encode())] if trace else ())]
        sent = await self.producer.send_and_wait(name, value, key=key, headers=headers)
        return sent.partition, sent.offset

    async def commit(
        self,
        topic: str,
        rows: Mapping[tuple[int, int], Row],
        *,
        connector: str | None = None,
        taken_ms: int | None = None,
    ) -> None:
        """Rows by (partition, offset), next offsets and notification in one transaction."""
        connector = connector or topic
        async with self.database.transaction():
            await self._upsert("order_history" if connector == "order-history" else topic, rows.values())
            await self._advance(connector, topic, rows, taken_ms=taken_ms)

    async def park(
        self, topic: str, at: tuple[int, int], row: Row, *, value: bytes | None, connector: str | None = None
    ) -> None:
        """The record becomes a dead letter."""
        async with self.database.transaction():
            stored = json.dumps({"payload": {"version": row["version"]}}).encode() if value is None else value
            error = ("TASK_PUT", "NumericValueOutOfRange", "integer out of range")
            place = (connector or topic, self.prefix + topic, *at)
            await self.database.execute(
                DEAD_LETTERS["store"], *place, None, envelope_key(row["order_id"]), stored, "[]", *error
            )
            await self._advance(connector or topic, topic, {at: row}, taken_ms=None)

    async def go(self, topic: str, row: Row, *, kind: str = "order.placed.v1") -> tuple[int, int]:
        """The whole way at once."""
        at = await self.publish(topic, row, kind=kind)
        await self.commit(topic, {at: row})
        return at

    async def _advance(
        self, connector: str, topic: str, rows: Mapping[tuple[int, int], Row], *, taken_ms: int | None
    ) -> None:
        numbers: dict[str, int] = {}
        for partition, offset in rows:
            numbers[str(partition)] = max(offset + 1, numbers.get(str(partition), 0))
        offsets = {Partition(self.prefix + topic, int(number)): at for number, at in numbers.items()}
        await alter(self.database, connector, offsets)
        told: dict[str, Any] = {"connector": connector, "topics": {self.prefix + topic: numbers}}
        if taken_ms is not None:
            told["taken_ms"] = taken_ms
        await self.database.execute("SELECT pg_notify('read_model', $1)", json.dumps(told))


def envelope_key(text: str) -> bytes:
    """A key as the contract has it."""
    return json.dumps(
        {"schema": {"type": "string", "optional": False}, "payload": text}, separators=(",", ":")
    ).encode()


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    """The catalog on a port of its own, with a client that speaks to it."""
    async with running(settings) as service:
        server = http_server(service.app, host="127.0.0.1", port=0)
        task = asyncio.create_task(server._serve())  # noqa: SLF001 - without uvicorn's signal handlers
        try:
            await wait_until(lambda: server.started, every_s=0.005, what="the catalog listens")
            port = server.servers[0].sockets[0].getsockname()[1]
            limits = httpx.Limits(max_connections=None)
            async with httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}", timeout=20, limits=limits
            ) as client:
                yield client
        finally:
            server.should_exit = True
            server.force_exit = True
            await task


@dataclass(slots=True)
class Event:
    """One server-sent event."""

    name: str
    data: Any
    id: str | None


@asynccontextmanager
async def streaming(
    client: httpx.AsyncClient, path: str = "/stream", *, last_event_id: str | None = None
) -> AsyncIterator[AsyncIterator[Event]]:
    """The events of a stream, as they come; heartbeats left out."""
    headers = {"Last-Event-ID": last_event_id} if last_event_id else {}
    async with client.stream("GET", path, headers=headers, timeout=httpx.Timeout(20, read=20)) as answer:
        assert answer.status_code == 200, await answer.aread()
        async with contextlib.aclosing(_events(answer)) as events:
            yield events


async def _events(answer: httpx.Response) -> AsyncGenerator[Event, None]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
            continue
        if fields and fields["event"] != "heartbeat":
            yield Event(fields["event"], json.loads(fields["data"]), fields.get("id"))
        fields = {}
