"""Order instances as tests need them: real Kafka, real databases, real HTTP, all in the test's own event loop."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from order_service.adapters import schema
from order_service.bootstrap import build, now_ms
from order_service.entrypoints.server import HttpServer
from order_service.entrypoints.service import Service
from order_service.settings import Settings
from tests.support import order_database
from tests.support.waiting import wait_until

Record: TypeAlias = "ConsumerRecord[Any, Any]"


@dataclass(slots=True)
class Clock:
    """The present, moved forward by `offset_ms`."""

    offset_ms: int = 0

    def __call__(self) -> int:
        return now_ms() + self.offset_ms


@dataclass(slots=True, kw_only=True)
class Instance:
    """One instance; `start` and `stop` as often as the test likes, its database stays."""

    settings: Settings
    clock: Clock = field(default_factory=Clock)
    http: httpx.AsyncClient = field(init=False)
    service: Service | None = None
    _running: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    def __post_init__(self) -> None:
        self.http = httpx.AsyncClient(base_url=self.url, timeout=20, trust_env=False)

    @property
    def name(self) -> str:
        return self.settings.instance

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.settings.port}"

    async def start(self, *, without: Callable[[str], bool] = lambda _task: False) -> "Instance":
        """Serve until `stop`; `without` names background tasks that are not to run."""
        self.service = await self._running.enter_async_context(build(self.settings, clock=self.clock))
        tasks = [
            asyncio.create_task(run(), name=f"{self.name}.{name}")
            for name, run in self.service.tasks().items()
            if not without(name)
        ]
        server = HttpServer(self.service.app, host="127.0.0.1", port=self.settings.port)
        front = asyncio.create_task(server.serve(), name=f"{self.name}.http")
        self._running.push_async_callback(_end, server, front, tasks)
        await wait_until(lambda: server.started, what=f"{self.name} serves")
        return self

    async def stop(self) -> None:
        """As after SIGKILL: nothing is drained."""
        self.service = None
        await self._running.aclose()

    async def ready(self) -> None:
        async def is_ready() -> Any:
            answer = await self.http.get("/health/ready")
            return answer.status_code == 200 or answer.text

        async def check() -> bool:
            return await is_ready() is True

        await wait_until(check, what=f"{self.name} is ready")

    async def rows(self, query: str, **parameters: Any) -> list[dict[str, Any]]:
        """Look into the instance's database."""
        return await order_database.rows(self.settings.database_url, query, **parameters)

    async def close(self) -> None:
        await self.stop()
        await self.http.aclose()

    async def product(self, product_id: str, *, stock: int = 100, price: int = 450) -> None:
        body = {"product_id": product_id, "name": product_id, "unit_price_cents": price, "stock": stock}
        answer = await self.http.post("/products", json=body)
        assert answer.status_code == 201, answer.text

    async def order(
        self, *lines: tuple[str, int], user_id: str = "ada", key: str | None = None
    ) -> httpx.Response:
        body = {"user_id": user_id, "lines": [{"product_id": id_, "quantity": count} for id_, count in lines]}
        return await self.http.post("/orders", json=body, headers={"Idempotency-Key": key} if key else {})

    async def placed(self, *lines: tuple[str, int], user_id: str = "ada") -> str:
        """The id of a new order."""
        answer = await self.order(*lines, user_id=user_id)
        assert answer.status_code == 201, answer.text
        order_id: str = answer.json()["order_id"]
        return order_id

    async def reaches(self, order_id: str, status: str, *, timeout_s: float = 60) -> dict[str, Any]:
        """Wait until the order has the status; its state then."""

        async def look() -> Any:
            return (await self.http.get(f"/orders/{order_id}")).json()

        async def reached() -> Any:
            order = await look()
            return order if order.get("status") == status else None

        try:
            found: dict[str, Any] = await wait_until(
                reached, timeout_s=timeout_s, what=f"{order_id} is {status}"
            )
        except BaseException as error:
            error.add_note(f"it is {await look()}")
            raise
        return found

    async def stock(self, product_id: str) -> tuple[int, int]:
        """(available, reserved) at the product's owner."""
        product = (await self.http.get(f"/products/{product_id}")).json()
        return product["stock_available"], product["stock_reserved"]

    async def has_stock(self, product_id: str, expected: tuple[int, int]) -> None:
        """Wait until the product's owner has that much (available, reserved)."""

        async def as_expected() -> bool:
            return await self.stock(product_id) == expected

        await wait_until(as_expected, what=f"{product_id} is {expected}")

    async def knows(self, *product_ids: str) -> None:
        """Wait until this instance has heard of the products."""

        async def known() -> bool:
            offers = await self.rows("SELECT product_id FROM offers")
            return set(product_ids) <= {offer["product_id"] for offer in offers}

        await wait_until(known, what=f"{self.name} knows {product_ids}")


async def _end(server: HttpServer, front: asyncio.Task[None], tasks: list[asyncio.Task[None]]) -> None:
    server.should_exit = True
    await asyncio.wait([front], timeout=5)
    for task in (front, *tasks):
        task.cancel()
    ended = await asyncio.gather(front, *tasks, return_exceptions=True)
    for result in ended:
        if isinstance(result, Exception):
            raise result


@dataclass(slots=True, kw_only=True)
class OrderCluster:
    """Instances that know each other, and their topics."""

    bootstrap: str
    prefix: str
    instances: list[Instance]

    def __getitem__(self, number: int) -> Instance:
        """`cluster[1]` is order-1."""
        return self.instances[number - 1]

    async def start(self) -> "OrderCluster":
        await asyncio.gather(*(instance.start() for instance in self.instances))
        await asyncio.gather(*(instance.ready() for instance in self.instances))
        return self

    async def know(self, *product_ids: str) -> None:
        await asyncio.gather(*(instance.knows(*product_ids) for instance in self.instances))

    async def records(
        self,
        topic: str,
        *,
        at_least: int = 0,
        until: Callable[[list[Record]], object] = lambda _found: True,
        timeout_s: float = 60,
    ) -> list[Record]:
        """Everything that stands in the topic, read until `at_least` records have come, and what is asked of them holds.

        A relay may send again what it has sent: so many records need not be so many different ones.
        """
        async with reader(self.bootstrap, self.prefix + topic) as consumer:
            found: list[Record] = []
            ends = await consumer.end_offsets(sorted(consumer.assignment()))

            async def enough() -> bool:
                for batch in (await consumer.getmany(timeout_ms=100)).values():
                    found.extend(batch)
                positions = [await consumer.position(tp) >= end for tp, end in ends.items()]
                return all(positions) and len(found) >= at_least and bool(until(found))

            await wait_until(enough, timeout_s=timeout_s, what=f"{at_least} records on {topic}")
        return found

    async def send(self, topic: str, *messages: Record) -> None:
        """Records into the topic, as they are: what a doubled or late message looks like."""
        producer = AIOKafkaProducer(bootstrap_servers=self.bootstrap, acks="all")
        await producer.start()
        try:
            for message in messages:
                await producer.send_and_wait(
                    self.prefix + topic,
                    message.value,
                    message.key,
                    headers=list(message.headers),
                    partition=0,
                )
        finally:
            await producer.stop()


@contextlib.asynccontextmanager
async def reader(bootstrap: str, topic: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer at the beginning of all the topic's partitions."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        numbers = consumer.partitions_for_topic(topic) or set()
        await wait_until(consumer.assignment, what=f"partitions of {topic}")
        await consumer.seek_to_beginning(*(TopicPartition(topic, number) for number in numbers))
        yield consumer
    finally:
        await consumer.stop()


def payload(record: Record) -> dict[str, Any]:
    """The event's payload out of its envelope."""
    decoded: dict[str, Any] = msgspec.json.decode(record.value)["payload"]
    return decoded


def event_type(record: Record) -> str:
    name: str = dict(record.headers)["ce_type"].decode()
    return name


def topic_prefix() -> str:
    return f"test-{uuid.uuid4().hex[:10]}."


async def migrated(settings: Settings) -> Instance:
    """An instance whose database has its schema, not yet started."""
    await schema.migrate(settings.database_url)
    return Instance(settings=settings)
