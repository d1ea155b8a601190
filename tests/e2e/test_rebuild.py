"""`./demo rebuild` on the real stack: who reads, streams and orders meanwhile notices nothing, and damage is gone."""

import asyncio
import json
import signal
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeAlias
from uuid import uuid4

import asyncpg
import httpx
import pytest
from rich.console import Console

from auditor import Report, Target, audit, audit_copy
from rebuild.display import Display
from rebuild.sequence import DifferentError, Site, rebuild
from tests.support.stack import RunningStack
from tests.support.waiting import wait_until

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

PRODUCT = "green-tea"
REBUILD_S = 200
CONNECTORS = ["order-history", "orders", "products"]
PATIENTLY = {"Prefer": "wait=30"}


@pytest.fixture
async def read(stack: RunningStack) -> AsyncIterator[Connection]:
    """The read database, as its owner."""
    connection = await asyncpg.connect(stack.owner_dsn)
    yield connection
    await connection.close()


@dataclass(slots=True)
class Customer:
    """Orders, reads and listens without a pause, and fails on the first answer that is an error or older than another."""

    stack: RunningStack
    http: httpx.AsyncClient
    user: str = field(default_factory=lambda: f"eve-{uuid4().hex[:8]}")
    over: asyncio.Event = field(default_factory=asyncio.Event)
    placed: list[str] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)
    heard: list[tuple[str, int]] = field(default_factory=list)
    shown: dict[str, int] = field(default_factory=dict)
    first_event: str = ""

    async def order(self) -> str:
        """Place an order at one instance after the other, and read it back with the token it was answered with."""
        urls = list(self.stack.instances.values())
        body = {"user_id": self.user, "lines": [{"product_id": PRODUCT, "quantity": 1}]}
        answer = await self.http.post(f"{urls[len(self.placed) % len(urls)]}/orders", json=body)
        assert answer.status_code == 201, answer.text
        order_id = str(answer.json()["order_id"])
        token = {"Consistency-Token": answer.headers["Consistency-Token"]}
        await self._get(f"/orders/{order_id}", headers=PATIENTLY | token)
        self.placed.append(order_id)
        return order_id

    async def go_on_ordering(self) -> None:
        while not self.over.is_set():
            await self.order()

    async def go_on_reading(self) -> None:
        orders = -1
        while not self.over.is_set():
            placed = set(self.placed[-50:])
            page = await self._get(f"/orders?user_id={self.user}&limit=200")
            seen = {item["order_id"] for item in page["items"]}
            assert placed <= seen, "an order that was there is gone"
            for item in page["items"]:
                self._not_older(item["order_id"], item["version"])
            product = await self._get(f"/products/{PRODUCT}")
            self._not_older(PRODUCT, product["version"])
            summary = await self._get(f"/users/{self.user}/summary")
            assert summary["orders"] >= orders, "the sum of a user's orders has gone back"
            orders = summary["orders"]

    async def go_on_listening(self) -> None:
        """Until every order was shown in its second and last version, in the snapshot or in a change."""
        async for _ in self._events({}):
            if self.over.is_set() and all(self.shown.get(order_id) == 2 for order_id in self.placed):
                return

    async def hear_again(self) -> list[tuple[str, int]]:
        """What a reader gets who was away since the first event."""
        again = Customer(self.stack, self.http, user=self.user)
        async for _ in again._events({"Last-Event-ID": self.first_event}):
            if len(again.heard) == len(self.heard):
                break
        return again.heard

    async def _events(self, headers: dict[str, str]) -> AsyncIterator[None]:
        """Notes every change of an order; fails on one that is told twice or behind a newer one."""
        url = f"{self.stack.catalog}/stream?user_id={self.user}"
        event = ""
        async with self.http.stream("GET", url, headers=headers, timeout=60) as answer:
            assert answer.status_code == 200
            async for line in answer.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "id":
                    self.first_event = self.first_event or value
                if name == "event":
                    event = value
                    assert event in {"snapshot", "order", "product", "heartbeat"}, event
                if name == "data" and event == "snapshot":
                    self.shown = {each["order_id"]: each["version"] for each in json.loads(value)["orders"]}
                if name == "data" and event == "order":
                    order = json.loads(value)["order"]
                    assert order["version"] > self.shown.get(order["order_id"], 0), (
                        "told twice, or an older one"
                    )
                    self.shown[order["order_id"]] = order["version"]
                    self.heard.append((order["order_id"], order["version"]))
                yield

    async def _get(self, path: str, headers: dict[str, str] | None = None) -> Any:
        answer = await self.http.get(self.stack.catalog + path, headers=headers)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text}"
        return answer.json()

    def _not_older(self, name: str, version: int) -> None:
        assert version >= self.read.get(name, 0), f"{name} has gone back to version {version}"
        self.read[name] = version


@pytest.fixture
async def customer(stack: RunningStack) -> AsyncIterator[Customer]:
    async with httpx.AsyncClient(timeout=60) as http:
        home = await http.get(f"{stack.catalog}/products/{PRODUCT}")
        restock = f"{stack.instances[home.json()['instance']]}/products/{PRODUCT}/restock"
        assert (await http.post(restock, json={"quantity": 10_000})).is_success
        yield Customer(stack, http)


def here(stack: RunningStack) -> Site:
    """A rebuild of the stack's read model."""
    return Site(owner_dsn=stack.owner_dsn, sink_url=stack.sink_url, target=stack.target)


async def identity(read: Connection) -> int:
    """Which table is called `orders` now."""
    return int(await read.fetchval("SELECT 'public.orders'::regclass::oid::bigint"))


async def nothing_is_left(stack: RunningStack, read: Connection) -> bool:
    async with httpx.AsyncClient() as http:
        connectors = (await http.get(f"{stack.sink_url}/connectors")).json()
    schemas = "SELECT count(*) FROM pg_namespace WHERE nspname IN ('next', 'previous')"
    noted = "SELECT array_agg(DISTINCT connector ORDER BY connector) FROM sink.offsets_v1"
    return (
        sorted(connectors) == CONNECTORS
        and await read.fetchval(schemas) == 0
        and await read.fetchval(noted) == CONNECTORS
    )


ARRIVED = (
    "SELECT version = 2 FROM orders WHERE order_id = $1",
    "SELECT count(*) = 2 FROM order_history WHERE order_id = $1",
)
DAMAGE = (
    "DELETE FROM order_history WHERE order_id = $1 AND version = 1",
    "UPDATE orders SET total_cents = total_cents + 1 WHERE order_id = $1",
    "UPDATE user_summary SET spend_cents = 0 WHERE user_id = (SELECT user_id FROM orders WHERE order_id = $1)",
    "DELETE FROM product_sales WHERE product_id = (SELECT lines #>> '{0,product_id}' FROM orders WHERE order_id = $1)",
    "DELETE FROM orders WHERE order_id = $1",
)


async def damaged(stack: RunningStack, read: Connection, customer: Customer) -> None:
    """A read model in which an order, an event and two sums are wrong, as the audit confirms."""
    for _ in range(2):
        await customer.order()
    victim = customer.placed.pop()
    for arrived in ARRIVED:  # each by a connector of its own
        await wait_until(partial(read.fetchval, arrived, victim), timeout_s=60, what=arrived)
    for statement in DAMAGE:
        assert not (await read.execute(statement, victim)).endswith(" 0"), statement
    report = await audit(stack.target, wait_s=5)
    assert {"read-missing", "history-missing", "projection-different"} <= report.found, report


@pytest.mark.guarantees("G-QUERY-5", "G-STREAM-2")
@pytest.mark.slow
async def test_readers_streams_and_orders_go_on_while_a_damaged_read_model_is_replaced(
    stack: RunningStack, read: Connection, customer: Customer
) -> None:
    await damaged(stack, read, Customer(stack, customer.http))
    before = await identity(read)
    async with asyncio.timeout(REBUILD_S + 60), asyncio.TaskGroup() as busy:
        await customer.order()
        busy.create_task(customer.go_on_listening())
        busy.create_task(customer.go_on_reading())
        busy.create_task(customer.go_on_ordering())
        rebuilt = await asyncio.to_thread(stack.demo, "rebuild", timeout_s=REBUILD_S)
        customer.over.set()
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert "nothing missing, extra, different, old or doubled" in rebuilt.stdout
    assert await identity(read) != before
    assert await nothing_is_left(stack, read)
    assert await customer.hear_again() == customer.heard
    report = await audit(stack.target, wait_s=60)
    assert report.clean, report
    assert report.counts["read orders"] >= len(customer.placed) > 0


@pytest.mark.guarantees("G-QUERY-9")
@pytest.mark.slow
async def test_a_copy_that_differs_from_the_topics_is_given_up(
    stack: RunningStack, read: Connection, customer: Customer
) -> None:
    await customer.order()
    before = await identity(read)

    async def spoilt(target: Target, *, schema: str, suffix: str) -> Report:
        await read.execute(f"DELETE FROM {schema}.orders WHERE order_id = $1", customer.placed[0])  # noqa: S608
        return await audit_copy(target, schema=schema, suffix=suffix)

    with pytest.raises(DifferentError, match=f"(?s)read-missing.*{customer.placed[0]}") as given_up:
        await rebuild(here(stack), Display(Console(quiet=True)), verify=spoilt)
    assert "offset-lost" in str(given_up.value)
    assert await identity(read) == before
    assert await nothing_is_left(stack, read)
    await customer.order()


async def under_way(stack: RunningStack, read: Connection) -> bool:
    """A rebuild has made its tables and its connectors."""
    async with httpx.AsyncClient() as http:
        connectors = (await http.get(f"{stack.sink_url}/connectors")).json()
    made = await read.fetchval("SELECT to_regclass('next.orders') IS NOT NULL")
    return bool(made) and any(name.endswith("-next") for name in connectors)


async def ended(interrupted: "subprocess.Popen[str]", read: Connection) -> str:
    """What it complained of. Fails with what the database waits for."""
    try:
        return (await asyncio.to_thread(interrupted.communicate, timeout=120))[1]
    except subprocess.TimeoutExpired:
        busy = await read.fetch(
            "SELECT pid, usename, state, wait_event, pg_blocking_pids(pid) AS behind, left(query, 200) AS query"
            " FROM pg_stat_activity WHERE state <> 'idle'"
        )
        interrupted.kill()
        said = interrupted.communicate()
        pytest.fail(f"it did not end within 120 s: {said}\n" + "\n".join(map(str, busy)))


@pytest.mark.slow
async def test_a_rebuild_that_is_interrupted_or_killed_leaves_the_old_model_serving_and_can_be_run_again(
    stack: RunningStack, read: Connection, customer: Customer
) -> None:
    before = await identity(read)
    with stack.spawned("rebuild") as killed:
        await wait_until(lambda: under_way(stack, read), timeout_s=120, what="a copy in the making")
        killed.kill()
    await customer.order()
    renewed = "SELECT to_regnamespace('next')::oid::bigint <> $1 AND to_regclass('next.orders') IS NOT NULL"
    left = await read.fetchval("SELECT 'next'::regnamespace::oid::bigint")
    with stack.spawned("rebuild") as interrupted:
        await wait_until(lambda: read.fetchval(renewed, left), timeout_s=120, what="another copy")
        async with (
            read.transaction()
        ):  # a reader who stays: there is no moment to switch, and nobody else waits for it
            await read.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
            refused = await asyncio.to_thread(stack.demo, "rebuild")
            await customer.order()
            interrupted.send_signal(signal.SIGINT)
            complained = await ended(interrupted, read)
    assert (refused.returncode, "another rebuild is under way" in refused.stderr) == (1, True), refused
    assert interrupted.returncode == 130, complained
    assert "the old read model serves as before" in complained
    assert await identity(read) == before
    assert await nothing_is_left(stack, read)
    await customer.order()
    again = await asyncio.to_thread(stack.demo, "rebuild", timeout_s=REBUILD_S)
    assert again.returncode == 0, again.stdout + again.stderr
    assert await identity(read) != before
