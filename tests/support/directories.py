"""Directories that servers of another user can reach."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil

PREFIX = "cqrs-sync-"
MEMORY = Path("/dev/shm")  # noqa: S108 - a directory of a name of its own is made in it
ROOM = 4 << 30
"""Bytes: far more than the databases that exist at a time, and their log."""


@contextmanager
def open_directory(*, within: Path | None = None, prefix: str = PREFIX) -> Iterator[Path]:
    """A directory every user may enter: PostgreSQL, which refuses to run as root, keeps its data in it."""
    directory = Path(tempfile.mkdtemp(prefix=prefix, dir=within))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def quick_directory() -> AbstractContextManager[Path]:
    """An `open_directory`, in memory where that has room: three hundred files make a database, and most tests have one.

    For a server that no test kills: what it keeps there would survive that as well, but not as a disk keeps it. What sessions
    that were killed have left there goes: nothing else empties the memory before the machine is started anew.
    """
    _remove_left_behind()
    roomy = (
        os.access(MEMORY, os.W_OK | os.X_OK)
        and shutil.disk_usage(MEMORY).free > ROOM
        and psutil.virtual_memory().available > 2 * ROOM
    )
    return open_directory(within=MEMORY, prefix=f"{PREFIX}{os.getpid()}-") if roomy else open_directory()


def _remove_left_behind() -> None:
    for directory in MEMORY.glob(f"{PREFIX}*-*"):
        pid = directory.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(directory, ignore_errors=True)
