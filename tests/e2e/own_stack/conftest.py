"""A client that needs no other stack than the test's own, and the observed stacks that several modules start."""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.support.stack import RunningStack, described, own_ports, run_demo

START_TIMEOUT_S = 400
OFFSETS = range(14_000, 18_000, 300)  # beside those of other stacks of the tests


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture(scope="module")
def observed(session_directory: Path, request: pytest.FixtureRequest) -> Iterator[RunningStack]:
    """A stack of the module's own with `--observe`, light."""
    with observed_stack(session_directory / request.module.__name__.rpartition(".")[2]) as stack:
        yield stack


@contextmanager
def observed_stack(home: Path, *options: str) -> Iterator[RunningStack]:
    """`./demo up --observe` with one broker and further `options`; afterwards nothing of it is left."""
    with own_ports(OFFSETS) as ports:
        try:
            words = ("up", "--brokers", "1", "--observe", *options)
            up = run_demo(home, ports, *words, timeout_s=START_TIMEOUT_S)
            assert up.returncode == 0, up.stdout + up.stderr
            yield described(home, ports)
        finally:
            run_demo(home, ports, "down", "--volumes")
