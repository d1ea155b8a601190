"""A supervisor over tiny real processes."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from demo.home import Home
from demo.supervisor.event_log import EventLog
from demo.supervisor.graph import Graph, Part, Probe, Service
from demo.supervisor.record import ProcessId
from demo.supervisor.supervisor import Supervisor

Supervise = Callable[[Sequence[Part]], AbstractAsyncContextManager[Supervisor]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "demo home")
    made.make()
    return made


@pytest.fixture
def event_log(home: Home) -> Callable[[], list[str]]:
    """What the supervisor wrote so far: `event part` per line."""

    def read() -> list[str]:
        lines = home.log("supervisor").read_text().splitlines()
        return [" ".join(word.removeprefix("part=") for word in line.split()[1:3]) for line in lines]

    return read


@pytest.fixture
def children() -> list[tuple[ProcessId, ...]]:
    """What the supervisor reported about its children, newest last."""
    return []


@pytest.fixture
def supervise(home: Home, children: list[tuple[ProcessId, ...]]) -> Supervise:
    """Run a supervisor over some parts; it is stopped, and everything with it, on exit."""

    @asynccontextmanager
    async def run(parts: Sequence[Part]) -> AsyncIterator[Supervisor]:
        supervisor = Supervisor(
            graph=Graph.of(parts),
            home=home,
            env=os.environ,
            events=EventLog(home.log("supervisor")),
            on_children=children.append,
        )
        running = asyncio.create_task(supervisor.run())
        try:
            yield supervisor
        finally:
            supervisor.request_stop()
            await running

    return run


@pytest.fixture
def python_service(tmp_path: Path) -> Callable[..., Service]:
    """Make a service that runs Python text; it is ready when it has made the file `flag`, or at once without one."""

    def make(
        name: str, text: str = "", *, after: Sequence[str] = (), flag: str | None = None, grace_s: float = 30
    ) -> Service:
        body = f"import pathlib, signal, subprocess, sys, time\n{text}\nsignal.pause()"
        return Service(
            name=name,
            command=(sys.executable, "-c", body),
            ready=_exists(tmp_path / flag) if flag else _at_once,
            after=frozenset(after),
            grace_s=grace_s,
        )

    return make


def _exists(path: Path) -> Probe:
    async def probe() -> bool:
        return os.path.exists(path)  # noqa: ASYNC240, PTH110  one look at a local file

    return probe


async def _at_once() -> bool:
    return True
