"""Latency: from the moment an event is in Kafka to the moment its row is committed.

The beginning is the producer's acknowledgement (every copy has the event, consumers may read it); the end is
PostgreSQL's own commit timestamp of the row. The server takes that just before it flushes its log, so the mean flush
of the run is added to every event. One machine, one clock. The load is open: a slow sink does not slow the producer.
"""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from statistics import quantiles

import asyncpg
from aiokafka import AIOKafkaProducer

from benchmarks.sink.orders import Envelope, Order, key_of, new_orders
from benchmarks.sink.servers import Servers, fresh_database
from benchmarks.sink.statements import statement
from benchmarks.sink.system import Job, Run, System
from benchmarks.sink.topics import create_topic, delete_topics, partition_of
from devservers.ports import free_ports

START_TIMEOUT_S = 90.0
DRAIN_TIMEOUT_S = 120.0
ENDLESS = 10**9


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """`rate` events per second, evenly spaced: `warm_up_s` seconds unmeasured, then `measured_s` seconds."""

    rate: int
    warm_up_s: float = 15.0
    measured_s: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Milliseconds from acknowledgement to commit (`p50`, `p99`, …) and from `send` to commit."""

    group: str
    system: str
    connections: int
    rate: int
    events: int
    p50: float
    p90: float
    p99: float
    worst: float
    from_send_p50: float
    from_send_p99: float
    mean_flush_ms: float
    cpu_s: float
    """Processor seconds of the worker, its start included."""
    peak_rss: int


@dataclass(slots=True)
class Sent:
    """When one event was handed to the producer and when it was acknowledged, in seconds since 1970."""

    sent_at: float
    acknowledged_at: float = 0.0


async def latency(system: System, load: Load, servers: Servers) -> Latency:
    """Let `system` upsert new orders while they arrive at the load's rate."""
    directory = servers.new_directory()
    topic = f"latency-{directory.name}"
    await create_topic(servers.bootstrap, topic)
    async with fresh_database(servers.admin_dsn, f"latency_{directory.name}") as dsn:
        database = await asyncpg.connect(dsn)
        try:
            await database.execute(statement("table"))
            job = Job(
                topic=topic,
                mode="upsert",
                bootstrap=servers.bootstrap,
                dsn=dsn,
                directory=directory,
                port=free_ports(1)[0],
                orders=(),
            )
            async with system.running(job) as run:
                result = await _measure(system, load, job=job, database=database, run=run)
        finally:
            await database.close()
    await delete_topics(servers.bootstrap, [topic])
    return result


async def _measure(
    system: System, load: Load, *, job: Job, database: asyncpg.Connection, run: Run
) -> Latency:
    orders = new_orders(ENDLESS)
    async with AIOKafkaProducer(
        bootstrap_servers=job.bootstrap, compression_type="lz4", acks="all", linger_ms=0
    ) as producer:
        source = Source(producer, job.topic)
        await source.send_until_written(orders, database, run)
        await source.send(islice(orders, int(load.rate * load.warm_up_s)), load.rate)
        flushes_before = await _flushes(database)
        measured = await source.send(islice(orders, int(load.rate * load.measured_s)), load.rate)
    await _wait_for_rows(database, len(source.everything), run)
    flush_s = _mean_flush_s(flushes_before, await _flushes(database))
    commits = {key: at for key, at in await database.fetch(statement("commit_times"))}  # noqa: C416  pairs are Records
    visible = [(commits[key] + flush_s, sent) for key, sent in measured.items()]
    waits = _percentiles([at - sent.acknowledged_at for at, sent in visible])
    from_send = _percentiles([at - sent.sent_at for at, sent in visible])
    usage = run.usage()
    if usage is None:
        raise TypeError(f"{system.name} is not a process and has no latency")
    return Latency(
        group=system.group,
        system=system.name,
        connections=system.connections,
        rate=load.rate,
        events=len(visible),
        p50=waits[49],
        p90=waits[89],
        p99=waits[98],
        worst=max(at - sent.acknowledged_at for at, sent in visible) * 1000,
        from_send_p50=from_send[49],
        from_send_p99=from_send[98],
        mean_flush_ms=flush_s * 1000,
        cpu_s=usage.cpu_s,
        peak_rss=usage.peak_rss,
    )


class Source:
    """Sends orders at a steady pace and remembers when."""

    def __init__(self, producer: AIOKafkaProducer, topic: str) -> None:
        self._producer = producer
        self._topic = topic
        self._envelope = Envelope()
        self.everything: dict[str, Sent] = {}

    async def send(self, orders: Iterator[Order], rate: float) -> dict[str, Sent]:
        """Send each order at its own time, and return once all of them are acknowledged."""
        batch: dict[str, Sent] = {}
        acknowledgements = []
        start = time.perf_counter()
        for number, order in enumerate(orders):
            await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
            sent = batch[order.order_id] = Sent(time.time())
            acknowledgements.append(asyncio.create_task(self._acknowledged(order, sent)))
        await asyncio.gather(*acknowledgements)
        self.everything |= batch
        return batch

    async def send_until_written(
        self, orders: Iterator[Order], database: asyncpg.Connection, run: Run
    ) -> None:
        """Send one order a second until the first row is there: the worker has started."""
        async with asyncio.timeout(START_TIMEOUT_S):
            while not await database.fetchval("SELECT EXISTS (SELECT FROM orders)"):
                run.check()
                await self.send(islice(orders, 1), 1)
                await asyncio.sleep(1)

    async def _acknowledged(self, order: Order, sent: Sent) -> None:
        acknowledgement = await self._producer.send(
            self._topic, self._envelope.value_of(order), key=key_of(order), partition=partition_of(order)
        )
        await acknowledgement
        sent.acknowledged_at = time.time()


async def _wait_for_rows(database: asyncpg.Connection, count: int, run: Run) -> None:
    async with asyncio.timeout(DRAIN_TIMEOUT_S):
        while await database.fetchval("SELECT count(*) FROM orders") < count:
            run.check()
            await asyncio.sleep(0.2)


async def _flushes(database: asyncpg.Connection) -> tuple[int, float]:
    (row,) = await database.fetch(statement("wal_flushes"))
    return row["flushes"], row["milliseconds"]


def _mean_flush_s(before: tuple[int, float], after: tuple[int, float]) -> float:
    return (after[1] - before[1]) / max(after[0] - before[0], 1) / 1000


def _percentiles(seconds: list[float]) -> list[float]:
    return [value * 1000 for value in quantiles(seconds, n=100, method="inclusive")]
