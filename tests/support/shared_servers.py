"""A plugin of pytest for a session of several workers: one Kafka and one PostgreSQL for all of them.

Each test has topics and databases of its own, so that tests of all workers can share the servers.
"""

import asyncio
import os
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from zlib import crc32

import pytest
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from tests.support.directories import open_directory, quick_directory
from tests.support.other_servers import kafka_cluster, postgres_server

_REGISTRY = "tests/integration/sink/registry"
_FIELD_CASES = "tests/integration/sink/field_cases/test_field_cases.py::test_field_case["
PIECES = 8
"""Of the cases from the field, which are a quarter of all tests and share nothing."""
USUAL_S, SLOW_S = 2, 20
"""How long a test is taken to be, and one that is marked as slow."""


def part_of(nodeid: str) -> str:
    """What one worker runs: tests of a file share what it starts, and those of the schema registry share it."""
    if nodeid.startswith(f"{_REGISTRY}/"):
        return _REGISTRY
    file = nodeid.partition("::")[0]
    return f"{file} {crc32(nodeid.encode()) % PIECES}" if nodeid.startswith(_FIELD_CASES) else file


class BySharedPart(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Workers take whole parts, in the order in which these were collected."""

    def _split_scope(self, nodeid: str) -> str:
        return part_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling:
    """Let the workers take parts."""
    config.option.loadscopereorder = False  # by the number of tests, which puts the few that are slow last
    return BySharedPart(config, log)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest parts first: one that comes last is waited for by workers that have nothing left to do."""
    lengths = Counter[str]()
    for item in items:
        lengths[part_of(item.nodeid)] += SLOW_S if item.get_closest_marker("slow") else USUAL_S
    items.sort(key=lambda item: -lengths[part_of(item.nodeid)])


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the servers before the workers, which find their addresses in the environment; stop them at the very end."""
    config = session.config
    if hasattr(config, "workerinput") or config.option.collectonly:
        return
    resources = ExitStack()
    config.add_cleanup(resources.close)
    directory = resources.enter_context(open_directory())
    databases = resources.enter_context(quick_directory())
    runner = resources.enter_context(asyncio.Runner())
    servers = AsyncExitStack()
    resources.callback(lambda: runner.run(servers.aclose()))

    async def start() -> None:
        if "TEST_KAFKA_BOOTSTRAP" not in os.environ:
            kafka = await servers.enter_async_context(kafka_cluster(directory / "kafka"))
            os.environ["TEST_KAFKA_BOOTSTRAP"] = kafka.bootstrap
        if "TEST_POSTGRES_DSN" not in os.environ:
            postgres = await servers.enter_async_context(
                postgres_server(databases / "postgres", programs_in=directory)
            )
            os.environ["TEST_POSTGRES_DSN"] = postgres.admin_dsn

    runner.run(start())
