"""Order instances on SQLite and on PostgreSQL: every test that asks for one runs on both.

A test that stops an instance or looks at whole topics has a `cluster` or `cluster_of_three` of its own. Tests that only talk to
running instances share one: `shared` per module, and `goods` that nobody else orders.
"""

import contextlib
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from pydantic import SecretStr

from devservers.ports import free_ports
from order_service.settings import Settings
from tests.conftest import MakeDatabase, MakeTopic, own_databases, own_topics
from tests.support.order_cluster import Instance, OrderCluster, migrated, topic_prefix

MakeCluster = Callable[..., Awaitable[OrderCluster]]
MakeUrl = Callable[[], Awaitable[str]]
PEER_SECRET = "shared by the test's instances"  # noqa: S105 - of these tests
BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the instances have."""
    name: str = request.param
    return name


@pytest.fixture
def make_url(backend: str, tmp_path: Path, make_database: MakeDatabase) -> MakeUrl:
    """URLs of fresh, empty databases."""
    return fresh_urls(backend, tmp_path, make_database)


def fresh_urls(backend: str, directory: Path, make_database: MakeDatabase) -> MakeUrl:
    made: list[int] = []

    async def make() -> str:
        made.append(0)
        if backend == "sqlite":
            return f"sqlite+aiosqlite:///{directory}/order-{len(made)}.db"
        return (await make_database()).replace("postgresql:", "postgresql+asyncpg:")

    return make


@pytest.fixture
async def make_cluster(
    make_url: MakeUrl, make_topic: MakeTopic, kafka_bootstrap: str
) -> AsyncIterator[MakeCluster]:
    """Migrated instances with topics of their own, not yet started; they are stopped at the end."""
    async with built_clusters(make_url, make_topic, kafka_bootstrap) as make:
        yield make


@contextlib.asynccontextmanager
async def built_clusters(
    make_url: MakeUrl, make_topic: MakeTopic, kafka_bootstrap: str
) -> AsyncIterator[MakeCluster]:
    made: list[Instance] = []

    async def make(count: int = 1, **settings: Any) -> OrderCluster:
        prefix = topic_prefix()
        names = [f"order-{number}" for number in range(1, count + 1)]
        ports = dict(zip(names, free_ports(len(names)), strict=True))
        await make_topic(name=f"{prefix}orders", partitions=2)
        await make_topic(name=f"{prefix}products", partitions=2, config={"cleanup.policy": "compact"})
        for name in names:
            await make_topic(name=f"{prefix}inbox.{name}")
        peers = {name: f"http://127.0.0.1:{port}" for name, port in ports.items()}
        instances = [
            await migrated(
                Settings(
                    instance=name,
                    database_url=await make_url(),
                    kafka_bootstrap=kafka_bootstrap,
                    port=ports[name],
                    peers=peers,
                    topic_prefix=prefix,
                    peer_secret=SecretStr(PEER_SECRET),
                    **settings,
                )
            )
            for name in names
        ]
        made.extend(instances)
        return OrderCluster(bootstrap=kafka_bootstrap, prefix=prefix, instances=instances)

    yield make
    for instance in made:
        await instance.close()


@pytest.fixture
async def cluster(make_cluster: MakeCluster) -> OrderCluster:
    """One running instance."""
    return await (await make_cluster()).start()


@pytest.fixture
async def cluster_of_three(make_cluster: MakeCluster) -> OrderCluster:
    """Three running instances with a product each: `tea-1` at order-1, and so on."""
    cluster = await (await make_cluster(3)).start()
    for number, instance in enumerate(cluster.instances, start=1):
        await instance.product(f"tea-{number}")
    await cluster.know("tea-1", "tea-2", "tea-3")
    return cluster


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=BACKENDS)
async def shared(
    request: pytest.FixtureRequest,
    kafka_bootstrap: str,
    postgres_admin_dsn: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[OrderCluster]:
    """Three running instances for all tests of a module, which has to be on `loop_scope="module"`."""
    directory = tmp_path_factory.mktemp("shared")
    async with (
        own_topics(kafka_bootstrap) as make_topic,
        own_databases(postgres_admin_dsn) as make_database,
        built_clusters(
            fresh_urls(request.param, directory, make_database), make_topic, kafka_bootstrap
        ) as make,
    ):
        yield await (await make(3)).start()


@pytest_asyncio.fixture(loop_scope="module")
async def goods(shared: OrderCluster) -> tuple[str, str, str]:
    """Three products that are this test's alone, a hundred of each, owned by order-1, order-2 and order-3."""
    name = f"tea-{uuid.uuid4().hex[:8]}"
    products = (f"{name}-1", f"{name}-2", f"{name}-3")
    for instance, product in zip(shared.instances, products, strict=True):
        await instance.product(product)
    await shared.know(*products)
    return products
