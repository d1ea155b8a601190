"""One stack in containers per session, and the clients that speak to it; without an engine every test says so."""

from collections.abc import AsyncIterator, Iterator

import httpx
import pytest

from tests.support.compose import RunningContainers, docker, missing_engine, whole_stack_in_containers


@pytest.fixture(scope="session")
def volumes_before() -> set[str]:
    """Volumes the engine had before the stack came."""
    if why := missing_engine():
        pytest.skip(f"no Docker engine to run containers on: {why}")
    return set(docker("volume", "ls", "--quiet").split())


@pytest.fixture(scope="session")
def stack(volumes_before: set[str]) -> Iterator[RunningContainers]:
    """The whole system, brought up by Compose."""
    with whole_stack_in_containers() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client
