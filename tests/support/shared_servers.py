"""A plugin of pytest for a session of several workers: one Kafka and one PostgreSQL for all of them.

Each test has topics and databases of its own, so that tests of all workers can share the servers.
"""

import asyncio
import os
from contextlib import AsyncExitStack, ExitStack

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.directories import open_directory
from tests.support.other_servers import kafka_cluster, postgres_server

_REGISTRY = "tests/integration/sink/registry"


class BySharedPart(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests of a file share what it starts, so one worker runs them; those of the schema registry share it."""

    def _split_scope(self, nodeid: str) -> str:
        return _REGISTRY if nodeid.startswith(f"{_REGISTRY}/") else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Let the workers take whole files."""
    return BySharedPart(config, log)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers before the workers, which find their addresses in the environment; stop them at the very end."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    resources = ExitStack()
    config.add_cleanup(resources.close)
    directory = resources.enter_context(open_directory())
    runner = resources.enter_context(asyncio.Runner())
    servers = AsyncExitStack()
    resources.callback(lambda: runner.run(servers.aclose()))

    async def start() -> None:
        if "TEST_KAFKA_BOOTSTRAP" not in os.environ:
            kafka = await servers.enter_async_context(kafka_cluster(directory / "kafka"))
            os.environ["TEST_KAFKA_BOOTSTRAP"] = kafka.bootstrap
        if "TEST_POSTGRES_DSN" not in os.environ:
            postgres = await servers.enter_async_context(postgres_server(directory / "postgres"))
            os.environ["TEST_POSTGRES_DSN"] = postgres.admin_dsn

    runner.run(start())
