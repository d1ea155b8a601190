"""Order instances on SQLite and on PostgreSQL: every test that asks for one runs on both."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from order_service.settings import Settings
from tests.conftest import MakeDatabase, MakeTopic
from tests.support.order_house import House, Instance, free_port, migrated, topic_prefix

MakeHouse = Callable[..., Awaitable[House]]
MakeUrl = Callable[[], Awaitable[str]]


@pytest.fixture(params=["sqlite", "postgresql"])
def backend(request: pytest.FixtureRequest) -> str:
    """Which database the instances have."""
    name: str = request.param
    return name


@pytest.fixture
def make_url(backend: str, tmp_path: Path, make_database: MakeDatabase) -> MakeUrl:
    """URLs of fresh, empty databases."""
    made: list[int] = []

    async def make() -> str:
        made.append(0)
        if backend == "sqlite":
            return f"sqlite+aiosqlite:///{tmp_path}/order-{len(made)}.db"
        return (await make_database()).replace("postgresql:", "postgresql+asyncpg:")

    return make


@pytest.fixture
async def make_house(
    make_url: MakeUrl, make_topic: MakeTopic, kafka_bootstrap: str
) -> AsyncIterator[MakeHouse]:
    """Migrated instances with topics of their own, not yet started; they are stopped at the end."""
    made: list[Instance] = []

    async def make(count: int = 1, **settings: Any) -> House:
        prefix = topic_prefix()
        names = [f"order-{number}" for number in range(1, count + 1)]
        ports = {name: free_port() for name in names}
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
                    **settings,
                )
            )
            for name in names
        ]
        made.extend(instances)
        return House(bootstrap=kafka_bootstrap, prefix=prefix, instances=instances)

    yield make
    for instance in made:
        await instance.close()


@pytest.fixture
async def house(make_house: MakeHouse) -> House:
    """One running instance."""
    return await (await make_house()).start()


@pytest.fixture
async def houses(make_house: MakeHouse) -> House:
    """Three running instances with a product each: `tea-1` at order-1, and so on."""
    house = await (await make_house(3)).start()
    for number, instance in enumerate(house.instances, start=1):
        await instance.product(f"tea-{number}")
    await house.know("tea-1", "tea-2", "tea-3")
    return house
