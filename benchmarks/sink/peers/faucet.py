"""faucet in its exactly-once mode: the position in the topic is stored in the transaction of the rows, as ours is."""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from benchmarks.sink.orders import COLUMNS
from benchmarks.sink.peers.cache import Place, program
from benchmarks.sink.statements import statement
from benchmarks.sink.system import Job, WorkerRun, worker

VERSION = "1.17.0"
FEATURES = "source-kafka,sink-postgres,state,observability,transforms"
# A run ends when nothing comes for so long; longer than any measurement.
IDLE_S = 600
REMARK = (
    "faucet writes by multi-row INSERT, its exactly-once mode has no COPY; a second instance would not share the stored "
    "position, so it has one connection; it cannot make a time out of milliseconds, so it writes `placed_at` as a bigint"
)


def build(cache: Path) -> Path:
    """Compile it as its documentation says; minutes of all cores."""
    place = Place.of(cache, "faucet-cli", VERSION)
    if not place.is_built:
        place.run(
            [
                program("cargo"),
                "install",
                "faucet-cli",
                "--version",
                VERSION,
                "--locked",
                "--ignore-rust-version",  # the crate names a compiler newer than it needs
                "--no-default-features",
                "--features",
                FEATURES,
                "--root",
                str(place.folder),
            ],
            env={"CARGO_TARGET_DIR": str(place.folder / "target"), **os.environ},
        )
        place.built()
    return place.folder / "bin" / "faucet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Faucet:
    """One `faucet run`; `batch` is the size of its pages and of its statements."""

    program: Path
    batch: int
    connections: int = 1

    @property
    def group(self) -> str:
        return "faucet"

    @property
    def name(self) -> str:
        return f"faucet, exactly once, batches of {self.batch:,}"

    @asynccontextmanager
    async def running(self, job: Job) -> AsyncIterator[WorkerRun]:
        await _take_milliseconds(job.dsn)
        file = job.directory / "faucet.json"
        file.write_text(json.dumps(self._pipeline(job), indent=2))
        async with worker([str(self.program), "run", str(file)], job=job, env=os.environ) as run:
            yield run

    def _pipeline(self, job: Job) -> dict[str, object]:
        fields = {f"value__payload__{column}": column for column in COLUMNS}
        upsert = {"write_mode": "upsert", "key": ["order_id"]} if job.mode == "upsert" else {}
        return {
            "version": 1,
            "name": job.topic,
            "delivery": "exactly_once",
            "pipeline": {
                "source": {
                    "type": "kafka",
                    "config": {
                        "brokers": job.bootstrap,
                        "topics": [job.topic],
                        "group_id": f"faucet-{job.topic}-{job.directory.name}",
                        "value_format": {"type": "json"},
                        "auto_offset_reset": "earliest",
                        "idle_timeout": IDLE_S,
                        "session_timeout": 10,
                        "batch_size": self.batch,
                    },
                },
                "transforms": [
                    {"type": "select", "config": {"fields": ["value"]}},
                    {"type": "flatten", "config": {"separator": "__"}},
                    {"type": "select", "config": {"fields": list(fields)}},
                    {"type": "rename_field", "config": {"fields": fields}},
                ],
                "sink": {
                    "type": "postgres",
                    "config": {
                        "connection_url": job.dsn,
                        "table_name": "orders_in_ms",
                        "column_mapping": "auto_map",
                        "batch_size": self.batch,
                        **upsert,
                    },
                },
                "state": {"type": "file", "config": {"path": str(job.directory / "state")}},
            },
        }


async def _take_milliseconds(dsn: str) -> None:
    """Give the table a time that faucet can write; a view shows it to the checks as the others' table."""
    database = await asyncpg.connect(dsn)
    try:
        if await database.fetchval("SELECT to_regclass('orders_in_ms') IS NULL"):
            await database.execute(statement("table_in_ms"))
    finally:
        await database.close()
