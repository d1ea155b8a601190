"""Bento: Go, at least once; one process, `max_in_flight` statements at once."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.sink.orders import COLUMNS
from benchmarks.sink.peers.cache import Place, program
from benchmarks.sink.statements import statement
from benchmarks.sink.system import Job, WorkerRun, worker

VERSION = "1.20.0"
MODULE = "github.com/warpstreamlabs/bento"
MAIN = Path(__file__).with_name("bento_main.go")
REMARK = (
    "Bento's sql_insert cannot upsert a key that is twice in a batch, so both workloads go through one "
    "`INSERT … SELECT` per batch (sql_raw), which is faster too; the version guards the order with two in flight"
)
ROW = """root = this.payload
root.lines = this.payload.lines.parse_json()
root.placed_at = (this.payload.placed_at / 1000).ts_format("2006-01-02T15:04:05.000Z07:00", "UTC")"""


def build(cache: Path) -> Path:
    """Compile a main program with the four families of components that are needed; minutes of all cores."""
    place = Place.of(cache, "bento", VERSION)
    if not place.is_built:
        go = program("go")
        (place.folder / "main.go").write_text(MAIN.read_text())
        (place.folder / "go.mod").write_text(f"module benchmark\n\ngo 1.24\n\nrequire {MODULE} v{VERSION}\n")
        place.run([go, "build", "-mod=mod", "-o", "bento", "."], env={"CGO_ENABLED": "0", **os.environ})
        place.built()
    return place.folder / "bento"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bento:
    """One process with `connections` statements in flight; `batch` records to a statement."""

    program: Path
    batch: int
    connections: int = 1

    @property
    def group(self) -> str:
        return "bento"

    @property
    def name(self) -> str:
        return f"Bento, batches of {self.batch:,}"

    @asynccontextmanager
    async def running(self, job: Job) -> AsyncIterator[WorkerRun]:
        file = job.directory / "bento.json"
        file.write_text(json.dumps(self._stream(job), indent=2))
        async with worker([str(self.program), "-c", str(file)], job=job, env=os.environ) as run:
            yield run

    def _stream(self, job: Job) -> dict[str, object]:
        return {
            "http": {"enabled": False},
            "logger": {"level": "INFO"},
            "input": {
                "kafka_franz": {
                    "seed_brokers": job.bootstrap.split(","),
                    "topics": [job.topic],
                    "consumer_group": f"bento-{job.topic}-{job.directory.name}",
                    "start_from_oldest": True,
                    "checkpoint_limit": 4 * self.batch,
                    "commit_period": "1s",
                    "batching": {"count": self.batch, "period": "100ms"},
                }
            },
            "pipeline": {"processors": [{"mapping": ROW}, {"archive": {"format": "json_array"}}]},
            "output": {
                "sql_raw": {
                    "driver": "postgres",
                    "dsn": f"{job.dsn}?sslmode=disable",
                    "query": statement(f"json_{job.mode}").format(columns=", ".join(COLUMNS)),
                    "args_mapping": "root = [ content().string() ]",
                    "max_in_flight": self.connections,
                }
            },
        }
