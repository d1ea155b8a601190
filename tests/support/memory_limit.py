"""No more memory for a process that runs already, and a need for more."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

_CROWD = 400
_BODY = 60_000


@contextmanager
def no_more_memory(pid: int) -> Iterator[None]:
    """Until the block ends the process gets no more address space than it has.

    What it asks for beyond is refused, as on a machine that has nothing left and lets nobody borrow; processes that it
    starts meanwhile are held to the same. The test is skipped where the system cannot limit another process.
    """
    process = psutil.Process(pid)
    if not hasattr(process, "rlimit"):
        pytest.skip("the memory of another process can be limited on Linux only")
    before = process.rlimit(psutil.RLIMIT_AS)
    process.rlimit(psutil.RLIMIT_AS, (process.memory_info().vms, before[1]))
    try:
        yield
    finally:
        with suppress(psutil.NoSuchProcess):
            process.rlimit(psutil.RLIMIT_AS, before)


@asynccontextmanager
async def crowded(url: str) -> AsyncIterator[None]:
    """Until the block ends hundreds of clients of a service have each sent most of a long order: some 25 MB to keep.

    A process under a steady load may well have all it needs; not with these.
    """
    at = urlsplit(url)
    head = f"POST /orders HTTP/1.1\r\nHost: {at.netloc}\r\nContent-Type: application/json\r\nContent-Length: {_BODY}\r\n\r\n"
    most = head.encode() + b" " * (_BODY - 1)

    async def come_and_stay() -> None:
        with suppress(OSError):  # turned away as well, as it may be
            _, writer = await asyncio.open_connection(at.hostname, at.port)
            try:
                writer.write(most)
                await asyncio.Event().wait()
            finally:
                writer.transport.abort()

    crowd = [asyncio.create_task(come_and_stay()) for _ in range(_CROWD)]
    try:
        yield
    finally:
        for each in crowd:
            each.cancel()
        await asyncio.gather(*crowd, return_exceptions=True)


def says_so(log: Path) -> bool:
    """Whether what a process has logged tells that it was refused memory: one in Python, one in Rust, or a JVM."""
    said = log.read_text(errors="replace")
    return any(
        words in said
        for words in ("MemoryError", "memory allocation", "OutOfMemoryError", "Cannot allocate memory")
    )
