"""One real Kafka and one real PostgreSQL per test session, or per worker of it without `shared_servers`; a topic and a database of its own per test.

`TEST_KAFKA_BOOTSTRAP` and `TEST_POSTGRES_DSN` name servers that are running already, which spares a developer the start;
`TEST_KAFKA_VERSION` and `TEST_POSTGRES_VERSION` have others started than the locked ones (`tests/support/other_servers.py`).
"""

import asyncio
import contextlib
import gc
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterator
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from tests.support.directories import open_directory, quick_directory
from tests.support.other_servers import kafka_cluster, postgres_server, rich_postgres_server
from tests.support.stack import RunningStack, whole_stack
from tests.support.topics import is_known
from tests.support.waiting import wait_until

MakeTopic = Callable[..., Awaitable[str]]
MakeDatabase = Callable[[], Awaitable[str]]


def pytest_configure() -> None:
    """Let SIGTERM end the session as Ctrl-C does, so that no server of it is left behind; have errors logged plainly."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Whatever the machine's habit: hundreds of files are compiled for their assertions, and a hundred programs start from them.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    # Rich's tracebacks, which structlog prefers where Rich is installed, take half a second each.
    plain = structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Modules and tests stay to the end of the session: they are not searched for garbage, now or later."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session")
def session_directory() -> Iterator[Path]:
    """Where the servers of the session keep what is theirs."""
    with open_directory() as directory:
        yield directory


@pytest.fixture(scope="session")
def databases_directory() -> Iterator[Path]:
    """Where the PostgreSQL servers that tests share have their data."""
    with quick_directory() as directory:
        yield directory


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka_bootstrap(session_directory: Path) -> AsyncIterator[str]:
    """Bootstrap servers of a real 3-broker cluster."""
    if running := os.environ.get("TEST_KAFKA_BOOTSTRAP"):
        yield running
        return
    async with await asyncio.to_thread(kafka_cluster, session_directory / "kafka") as kafka:
        yield kafka.bootstrap


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def postgres_admin_dsn(session_directory: Path, databases_directory: Path) -> AsyncIterator[str]:
    """DSN of a superuser of a real PostgreSQL."""
    if running := os.environ.get("TEST_POSTGRES_DSN"):
        yield running
        return
    data = databases_directory / "postgres"
    async with await asyncio.to_thread(postgres_server, data, programs_in=session_directory) as postgres:
        yield postgres.admin_dsn


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def rich_postgres_admin_dsn(session_directory: Path, databases_directory: Path) -> AsyncIterator[str]:
    """DSN of a superuser of a PostgreSQL with ICU, XML and the extensions, which the wheel's has not."""
    data = databases_directory / "rich-postgres"
    server = await asyncio.to_thread(rich_postgres_server, data, programs_in=session_directory)
    if server is None:
        pytest.skip("Debian's PostgreSQL with its extensions is not installed")
    async with server as postgres:
        yield postgres.admin_dsn


@contextlib.asynccontextmanager
async def own_topics(kafka_bootstrap: str, *, replication: int = 1) -> AsyncIterator[MakeTopic]:
    """Make topics with names nobody else uses; they are deleted afterwards."""
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka_bootstrap)
    await admin.start()
    made: list[str] = []

    async def make(*, partitions: int = 1, config: dict[str, str] | None = None, name: str = "") -> str:
        topic = name or f"test-{uuid.uuid4().hex[:12]}"
        await admin.create_topics([NewTopic(topic, partitions, replication, topic_configs=config or {})])
        made.append(topic)
        await wait_until(lambda: is_known(admin, topic), what="every broker knows the topic")
        return topic

    try:
        yield make
        if made:
            await admin.delete_topics(made)
    finally:
        await admin.close()


@pytest.fixture
async def make_topic(kafka_bootstrap: str) -> AsyncIterator[MakeTopic]:
    """`own_topics` for one test."""
    async with own_topics(kafka_bootstrap) as make:
        yield make


@contextlib.asynccontextmanager
async def own_databases(postgres_admin_dsn: str) -> AsyncIterator[MakeDatabase]:
    """Make empty databases; they are dropped afterwards, whoever is still connected."""
    made: list[str] = []
    admin = await asyncpg.connect(postgres_admin_dsn)

    async def make() -> str:
        name = f"test_{uuid.uuid4().hex[:12]}"
        await admin.execute(f'CREATE DATABASE "{name}"')
        made.append(name)
        return postgres_admin_dsn.rsplit("/", 1)[0] + f"/{name}"

    try:
        yield make
        for name in made:
            await admin.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    finally:
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            await admin.close(timeout=5)


@pytest.fixture
async def make_database(postgres_admin_dsn: str) -> AsyncIterator[MakeDatabase]:
    """`own_databases` for one test."""
    async with own_databases(postgres_admin_dsn) as make:
        yield make


@pytest.fixture
async def database(make_database: MakeDatabase) -> str:
    """DSN of one fresh, empty database."""
    return await make_database()


@pytest.fixture
async def rich_database(rich_postgres_admin_dsn: str) -> AsyncIterator[str]:
    """DSN of one fresh, empty database with every extension at hand; skipped where there is none."""
    async with own_databases(rich_postgres_admin_dsn) as make:
        yield await make()


@pytest.fixture(scope="session")
def stack(session_directory: Path) -> Iterator[RunningStack]:
    """The whole system, started by `./demo` as a person would; with TEST_STACK_SECURE by `./demo up --secure`."""
    options = ["--secure"] if os.environ.get("TEST_STACK_SECURE") else []
    with whole_stack(session_directory / "stack", *options) as running:
        yield running


@pytest.fixture(scope="session")
def playground(session_directory: Path) -> Iterator[RunningStack]:
    """One that was started to be broken, for what breaks links or uses the switches of its page."""
    with whole_stack(session_directory / "playground", "--playground") as running:
        yield running
