"""Quix Streams: Python as we are, at least once, one process per member of its consumer group."""

import os
import sys
import venv
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sink.peers.cache import Place
from benchmarks.sink.system import Job, WorkerRun, worker

VERSION = "3.28.1"
WORKER = Path(__file__).with_name("quix_worker.py")
REMARK = (
    "Quix Streams has one way to write: psycopg2's execute_values, a hundred rows to a statement; no COPY"
)


def build(cache: Path) -> Path:
    """Make a virtual environment with this very version; gives its Python."""
    place = Place.of(cache, f"quixstreams-py{sys.version_info.major}{sys.version_info.minor}", VERSION)
    python = place.folder / "venv" / "bin" / "python"
    if not place.is_built:
        venv.create(place.folder / "venv", clear=True, with_pip=True)
        wanted = f"quixstreams[postgresql]=={VERSION}"
        place.run([str(python), "-m", "pip", "install", "--quiet", wanted], env=os.environ)
        place.built()
    return python


@dataclass(frozen=True, slots=True, kw_only=True)
class Quix:
    """`connections` processes of one application; `batch` is after how many records it writes and commits."""

    program: Path
    batch: int
    connections: int = 1

    @property
    def group(self) -> str:
        return "quix"

    @property
    def name(self) -> str:
        return f"Quix Streams, batches of {self.batch:,}"

    @asynccontextmanager
    async def running(self, job: Job) -> AsyncIterator[WorkerRun]:
        command = [str(self.program), str(WORKER), "--topic", job.topic, "--bootstrap", job.bootstrap]
        command += ["--dsn", job.dsn, "--group", f"quix-{job.topic}-{job.directory.name}"]
        command += ["--batch", str(self.batch), "--processes", str(self.connections)]
        command += ["--upsert"] if job.mode == "upsert" else []
        async with worker(command, job=job, env=os.environ) as run:
            yield run
