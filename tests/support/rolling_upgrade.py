"""Order instances, a sink and a read database that are upgraded one after the other while orders come in."""

import asyncio
import json
import os
import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg

from auditor import Target
from catalog_service.read_model.migrate import upgrade
from devservers.ports import free_ports
from loadgen.load import ANSWER_TIMEOUT_S
from loadgen.schedule import Generator, Sent, load_client
from loadgen.seed_data import Customers, open_shop
from tests.conftest import own_databases, own_topics
from tests.support.order_cluster import topic_prefix
from tests.support.order_process import PROGRAM, OrderProcess
from tests.support.read_model import read_model
from tests.support.waiting import wait_until

NAMES = ("order-1", "order-2")
RATE, ENDLESS = 30.0, 1_000_000
MORE = 30


@dataclass(slots=True, kw_only=True)
class RollingUpgrade:
    """Everything is of the earlier version in the beginning. `earlier` holds its files, its environment among them."""

    earlier: Path
    directory: Path
    bootstrap: str
    prefix: str
    database: str
    instances: dict[str, OrderProcess]
    sent: list[Sent] = field(default_factory=list)
    running: AsyncExitStack
    _sink: asyncio.subprocess.Process | None = None

    @property
    def target(self) -> Target:
        """For the auditor, who reads what this version writes."""
        return Target(
            write_databases={name: f"sqlite:///{each.database}" for name, each in self.instances.items()},
            read_dsn=self.database,
            bootstrap=self.bootstrap,
            topic_prefix=self.prefix,
        )

    async def more_orders(self) -> None:
        """Returns when every instance has accepted some more, and as many more are visible."""
        before, seen = self._accepted(), await self._visible()

        async def enough() -> bool:
            now = self._accepted()
            accepted = all(now[name] >= before[name] + MORE for name in self.instances)
            return accepted and await self._visible() >= seen + MORE * len(self.instances)

        await wait_until(enough, timeout_s=60, every_s=0.2, what="more orders, accepted and visible")

    async def upgrade_read_database(self) -> None:
        """The sink of the earlier version writes on."""
        await upgrade(self.database)

    async def upgrade_sink(self) -> None:
        """The earlier one ends, and this version's goes on from its offsets."""
        await self._end_sink()
        await self.running.enter_async_context(read_model(self.bootstrap, self.database, prefix=self.prefix))

    async def upgrade_instance(self, name: str) -> None:
        """It is away for as long as it takes; the others are not."""
        instance = self.instances[name]
        assert await instance.terminate() == 0
        instance.program = PROGRAM
        await instance.start()

    async def _start(self) -> None:
        await self._run_earlier("catalog-service", "migrate", CATALOG_MIGRATION_DATABASE_URL=self.database)
        for instance in self.instances.values():
            await instance.start()
            self.running.push_async_callback(instance.terminate)
        self._sink = await self._start_sink()
        self.running.push_async_callback(self._end_sink)

    async def _start_sink(self) -> asyncio.subprocess.Process:
        files = [self._connector(file) for file in (self.earlier / "infra/connectors").glob("*.json")]
        (port,) = free_ports(1)
        environment = os.environ | {
            "SINK_BOOTSTRAP_SERVERS": self.bootstrap,
            "SINK_DATABASE_URL": self.database,
            "SINK_TOPIC_PREFIX": self.prefix,
            "SINK_REST_PORT": str(port),
        }
        with (self.directory / "sink.log").open("ab") as log:
            return await asyncio.create_subprocess_exec(
                self._program("sink-connector"), "run", *files, env=environment, stdout=log, stderr=log
            )

    def _connector(self, file: Path) -> str:
        """The connector as it was released, in a group of consumers that is this shop's."""
        connector = json.loads(file.read_text(encoding="utf-8"))
        connector["config"]["consumer.override.group.id"] = f"{self.prefix}{connector['name']}"
        own = self.directory / file.name
        own.write_text(json.dumps(connector), encoding="utf-8")
        return str(own)

    async def _end_sink(self) -> None:
        if self._sink is not None:
            self._sink.terminate()
            await self._sink.wait()
            self._sink = None

    async def _run_earlier(self, program: str, *words: str, **environment: str) -> None:
        job = await asyncio.create_subprocess_exec(
            self._program(program), *words, env=os.environ | environment
        )
        assert await job.wait() == 0, program

    def _program(self, name: str) -> Path:
        return self.earlier / ".venv/bin" / name

    def _accepted(self) -> Counter[str]:
        return Counter(sent.instance for sent in self.sent if sent.outcome == "ok")

    async def _visible(self) -> int:
        connection = await asyncpg.connect(self.database)
        try:
            return int(await connection.fetchval("SELECT count(*) FROM orders"))
        finally:
            await connection.close()


@asynccontextmanager
async def rolling_upgrade(
    earlier: Path, directory: Path, *, bootstrap: str, admin_dsn: str
) -> AsyncIterator[RollingUpgrade]:
    """A shop of the earlier version with topics and databases of its own, under load."""
    prefix, ports = topic_prefix(), dict(zip(NAMES, free_ports(len(NAMES)), strict=True))
    peers = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
    async with (
        own_topics(bootstrap) as make_topic,
        own_databases(admin_dsn) as make_database,
        AsyncExitStack() as running,
    ):
        for topic in ("orders", "products", *(f"inbox.{name}" for name in NAMES)):
            await make_topic(name=f"{prefix}{topic}", partitions=1 if "inbox" in topic else 2)
        shop = RollingUpgrade(
            earlier=earlier,
            directory=directory,
            bootstrap=bootstrap,
            prefix=prefix,
            database=await make_database(),
            running=running,
            instances={
                name: OrderProcess(
                    name=name,
                    port=ports[name],
                    peers=peers,
                    bootstrap=bootstrap,
                    prefix=prefix,
                    directory=directory,
                    program=earlier / ".venv/bin/order-service",
                )
                for name in NAMES
            },
        )
        await shop._start()  # noqa: SLF001 - of this module
        yield shop


@asynccontextmanager
async def under_load(shop: RollingUpgrade) -> AsyncIterator[None]:
    """Orders for everybody's products at every instance, upgraded or not, until the block ends."""
    customers = Customers(run="rolling", users=50, dice=random.Random(1))  # noqa: S311 - dice, no secret
    urls = {name: instance.url for name, instance in shop.instances.items()}
    async with load_client(timeout_s=ANSWER_TIMEOUT_S) as client:
        await open_shop(client, urls)
        generator = Generator(client=client, instances=urls, answered=shop.sent.append)
        load = asyncio.create_task(generator.send_all(orders=ENDLESS, rate=RATE, draw=customers.basket))
        try:
            yield
        finally:
            load.cancel()
            await asyncio.gather(load, return_exceptions=True)
