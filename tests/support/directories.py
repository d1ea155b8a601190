"""A directory that servers of another user can reach."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def open_directory() -> Iterator[Path]:
    """A directory every user may enter: PostgreSQL, which refuses to run as root, keeps its data in it."""
    directory = Path(tempfile.mkdtemp(prefix="cqrs-sync-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
