"""`./demo rebuild` for a person at a terminal, or for a log."""

import argparse
import asyncio
import signal
import sys

import asyncpg
import httpx
from aiokafka.errors import KafkaError
from rich.console import Console

from auditor.sources.topics import TopicStalledError
from demo.running_stack import running_stack
from demo.supervisor.control import NotRunningError
from rebuild.connect_client import SinkError
from rebuild.display import Display
from rebuild.read_model import RebuildError
from rebuild.sequence import Site, rebuild

_REBUILT, _NOT_REBUILT, _INTERRUPTED = 0, 1, 130
_UNABLE = (
    RebuildError,
    SinkError,
    TopicStalledError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    httpx.HTTPError,
    KafkaError,
    OSError,
    TimeoutError,
)


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """There is nothing to choose."""


def run(_args: argparse.Namespace) -> int:
    """Exit code 0: rebuilt; 1: not, the old read model serves as before; 130: interrupted, likewise."""
    try:
        site = Site.of(running_stack())
    except NotRunningError as error:
        print(f"rebuild: {error}", file=sys.stderr)
        return _NOT_REBUILT
    try:
        asyncio.run(_rebuild(site))
    except _UNABLE as error:
        print(f"rebuild: {type(error).__name__}: {error}", file=sys.stderr)
        return _NOT_REBUILT
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(
            "rebuild: interrupted; the copy is removed, the old read model serves as before", file=sys.stderr
        )
        return _INTERRUPTED
    return _REBUILT


async def _rebuild(site: Site) -> None:
    """SIGTERM ends it as Ctrl-C does."""
    this = asyncio.current_task()
    if this is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    with Display(Console()) as display:
        report = await rebuild(site, display)
    print(f"\n{report}")
