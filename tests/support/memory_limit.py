"""No more memory for a process that runs already."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest


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


def says_so(log: Path) -> bool:
    """Whether what a process has logged tells that it was refused memory: one in Python, one in Rust, or a JVM."""
    said = log.read_text(errors="replace")
    return any(
        words in said
        for words in ("MemoryError", "memory allocation", "OutOfMemoryError", "Cannot allocate memory")
    )
