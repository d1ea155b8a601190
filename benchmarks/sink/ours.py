"""Our sink, started as its user starts it: `sink-connector run FILE.json`."""

import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.sink.system import Job, WorkerRun, connector_config, worker, write_connector


@dataclass(frozen=True, slots=True, kw_only=True)
class OurSink:
    """One worker process with `connections` tasks, each with a consumer and a connection of its own."""

    connections: int = 1
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def group(self) -> str:
        return "ours"

    @property
    def name(self) -> str:
        return "sink-connector"

    @asynccontextmanager
    async def running(self, job: Job) -> AsyncIterator[WorkerRun]:
        config = connector_config(job, tasks=self.connections, settings=self.settings)
        command = [
            str(Path(sys.executable).with_name("sink-connector")),
            "run",
            str(write_connector(job, config)),
        ]
        env = {
            **os.environ,
            "SINK_BOOTSTRAP_SERVERS": job.bootstrap,
            "SINK_REST_HOST": "127.0.0.1",
            "SINK_REST_PORT": str(job.port),
            "SINK_LOG_LEVEL": "INFO",
        }
        async with worker(command, job=job, env=env) as run:
            yield run
