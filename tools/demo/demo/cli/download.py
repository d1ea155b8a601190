"""Kafka's download, shown while it happens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import FileSizeColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from devservers.jars import KAFKA_VERSION
from devservers.jars import Progress as Watch


@contextmanager
def shown(console: Console) -> Iterator[Watch]:
    """Give a watcher of downloads; silent when nothing needs downloading."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), FileSizeColumn(), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True)
    files = 0
    task = bar.add_task("", total=None)

    @contextmanager
    def watch(name: str, _size: int) -> Iterator[Callable[[int], None]]:
        nonlocal files
        if not files:
            console.print(f"Fetching Kafka {KAFKA_VERSION} from Maven Central: some 60 MB, this once")
            bar.start()
        files += 1
        bar.update(task, description=f"{files} files, now {name}")
        yield lambda arrived: bar.advance(task, arrived)

    try:
        yield watch
    finally:
        bar.stop()
    if files:
        console.print(f"Fetched {files} files")
