"""The process behind the switches of `./demo up --playground`: the control, until SIGTERM."""

import argparse
import asyncio
import logging
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx

from demo.home import Home
from demo.playground.control import Control
from demo.playground.server import serve
from demo.running_stack import running_record, running_stack

THREADS = 32


def add_arguments(_parser: argparse.ArgumentParser) -> None:
    """It has no options: it finds the stack as every command does."""


def run(_args: argparse.Namespace) -> int:
    """Serve; 0 after an orderly stop. Raises NotRunningError."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # a broker stopped on purpose is no news
    asyncio.run(_serve())
    return 0


async def _serve() -> None:
    stack, record = running_stack(), running_record(Home.from_environment())
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Each part that stops keeps a thread waiting for it; whoever looks meanwhile is not to wait as well.
    loop.set_default_executor(ThreadPoolExecutor(max_workers=THREADS))
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stopped.set)
    async with httpx.AsyncClient(trust_env=False) as http:
        await serve(Control.of(stack, record, http), port=stack.ports.playground, until=stopped)
