"""A rebuild for a person at a terminal, or for a log: `python -m rebuild --sink-url URL …`.

The databases' addresses hold passwords, which have no place on a command line: they come from `REBUILD_OWNER_DSN` and
`REBUILD_READER_DSN`.
"""

import argparse
import asyncio
import os
import signal
import sys
from collections.abc import Sequence

import asyncpg
import httpx
from aiokafka.errors import KafkaError
from rich.console import Console

from auditor import Target
from auditor.sources.topics import TopicStalledError
from rebuild.connect_client import SinkError
from rebuild.display import Display
from rebuild.read_model import RebuildError
from rebuild.sequence import Site, rebuild

REBUILT, NOT_REBUILT, INTERRUPTED = 0, 1, 130
OWNER_DSN, READER_DSN = "REBUILD_OWNER_DSN", "REBUILD_READER_DSN"
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


def run(rebuilt: Site) -> int:
    """Exit code 0: rebuilt; 1: not, the old read model serves as before; 130: interrupted, likewise."""
    try:
        asyncio.run(_rebuild(rebuilt))
    except BrokenPipeError:  # an OSError that is not about a server
        raise
    except _UNABLE as error:
        print(f"rebuild: {str(error) or type(error).__name__}", file=sys.stderr)
        return NOT_REBUILT
    except (KeyboardInterrupt, asyncio.CancelledError):
        print(
            "rebuild: interrupted; the copy is removed, the old read model serves as before", file=sys.stderr
        )
        return INTERRUPTED
    return REBUILT


def main(words: Sequence[str] | None = None) -> int:
    """The command line of this package alone."""
    parser = argparse.ArgumentParser(
        prog="rebuild",
        description="Build the read model again from the topics beside the one that serves, compare it, and switch.",
        epilog=f"${OWNER_DSN}: the read database as its owner; ${READER_DSN}: as a role that reads it.",
    )
    parser.add_argument("--sink-url", required=True, metavar="URL", help="REST address of a sink worker")
    parser.add_argument("--bootstrap", required=True, metavar="HOST:PORT,…", help="Kafka's brokers")
    parser.add_argument("--topic-prefix", default="", metavar="P", help="what every topic's name begins with")
    args = parser.parse_args(words)
    for name in (OWNER_DSN, READER_DSN):
        if name not in os.environ:
            parser.error(f"{name} is not set")
    target = Target(
        write_databases={},
        read_dsn=os.environ[READER_DSN],
        bootstrap=args.bootstrap,
        topic_prefix=args.topic_prefix,
    )
    return run(Site(owner_dsn=os.environ[OWNER_DSN], sink_url=args.sink_url, target=target))


async def _rebuild(rebuilt: Site) -> None:
    """SIGTERM ends it as Ctrl-C does."""
    this = asyncio.current_task()
    if this is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, this.cancel)
    with Display(Console()) as display:
        report = await rebuild(rebuilt, display)
    print(f"\n{report}")
