"""A read database per test, cloned from one that was migrated once; a catalog that answers from it."""

import asyncio
import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path

import asyncpg
import httpx
import pytest
from aiokafka import AIOKafkaProducer
from pydantic import SecretStr

from catalog_service.settings import Settings
from tests.conftest import MakeTopic
from tests.support.read_side import ReadModel, ReadSide, serving
from tests.support.waiting import wait_until

BIN = Path(sys.executable).parent


@pytest.fixture(scope="session")
def read_template(postgres_admin_dsn: str) -> Iterator[str]:
    """Name of a database with the read schema and the sink's tables, made as a deployment makes them."""
    name = f"template_{uuid.uuid4().hex[:12]}"
    base = postgres_admin_dsn.rsplit("/", 1)[0]
    _psql(postgres_admin_dsn, f'CREATE DATABASE "{name}"')
    dsn = f"{base}/{name}"
    migrating = os.environ | {"CATALOG_MIGRATION_DATABASE_URL": dsn}
    subprocess.run(
        [f"{BIN}/catalog-service", "migrate"], env=migrating, check=True, capture_output=True, timeout=60
    )
    subprocess.run(
        [f"{BIN}/sink-connector", "init", "--url", dsn], check=True, capture_output=True, timeout=60
    )
    yield name
    _psql(postgres_admin_dsn, f'DROP DATABASE "{name}" WITH (FORCE)')


def _psql(dsn: str, statement: str) -> None:
    async def run() -> None:
        connection = await asyncpg.connect(dsn)
        await connection.execute(statement)
        await connection.close()

    asyncio.run(run())


@pytest.fixture
async def read_dsn(postgres_admin_dsn: str, read_template: str) -> AsyncIterator[str]:
    """DSN of a fresh read database."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    admin = await asyncpg.connect(postgres_admin_dsn)
    await admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{read_template}"')
    yield postgres_admin_dsn.rsplit("/", 1)[0] + f"/{name}"
    await admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
    await admin.close()


@pytest.fixture
async def database(read_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to it that may write."""
    connection = await asyncpg.connect(read_dsn)
    yield connection
    await connection.close()


def _settings(read_dsn: str, kafka_bootstrap: str) -> Settings:
    return Settings(
        database_url=SecretStr(read_dsn),
        kafka_bootstrap=kafka_bootstrap,
        topic_prefix=f"{uuid.uuid4().hex[:10]}-",
        sink_url="http://127.0.0.1:9",
        stream_heartbeat=0.5,
        streams_per_client=600,  # every reader of a test comes from here
    )


@pytest.fixture
async def read_model(read_dsn: str, database: asyncpg.Connection, kafka_bootstrap: str) -> ReadModel:
    """Rows alone; there are no topics."""
    return ReadModel(database=database, settings=_settings(read_dsn, kafka_bootstrap))


@pytest.fixture
async def queries(read_model: ReadModel) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a catalog that answers from `read_model`."""
    async with serving(read_model.settings) as client:
        yield client


@pytest.fixture
async def read_side(
    read_dsn: str, database: asyncpg.Connection, kafka_bootstrap: str, make_topic: MakeTopic
) -> AsyncIterator[ReadSide]:
    """Topics, database and a sink led by hand."""
    settings = _settings(read_dsn, kafka_bootstrap)
    await make_topic(name=f"{settings.topic_prefix}orders", partitions=2)
    await make_topic(name=f"{settings.topic_prefix}products", partitions=1)
    async with AIOKafkaProducer(bootstrap_servers=kafka_bootstrap, acks="all", linger_ms=0) as producer:
        yield ReadSide(database=database, settings=settings, producer=producer)


@pytest.fixture
async def catalog(read_side: ReadSide) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a catalog that is in touch with all its parts."""
    async with serving(read_side.settings) as client:
        await wait_until(partial(_in_touch, client), what="the catalog knows its topics")
        yield client


async def _in_touch(client: httpx.AsyncClient) -> bool:
    return (await client.get("/orders")).headers["sync-lag-ms"] == "0"
