"""What a system is to the measurement, and the connector file that all sinks are given alike."""

import contextlib
import json
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import psutil

from benchmarks.sink.orders import Order
from devservers.process import ChildProcess, describe_exit, tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One topic to be written into the table `orders` of one database."""

    topic: str
    mode: str
    """`insert` or `upsert`."""
    bootstrap: str
    dsn: str
    directory: Path
    port: int
    """Free for the worker's REST interface."""
    orders: Iterable[Order]
    """The records of the topic again, for a system that needs no Kafka."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Connector keys that belong to the work, whoever does it."""
    keyed: bool = True
    """Whether the table has a primary key, `order_id`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the worker took so far: processor seconds, and the most resident memory seen, in bytes."""

    cpu_s: float
    peak_rss: int
    samples: tuple[tuple[float, float], ...] = ()
    """Times, as `time.time` tells them, and the processor seconds taken by then."""

    def since(self, moment: float) -> float:
        """Processor seconds from `moment` on, between two samples taken evenly."""
        passed = [sample for sample in self.samples if sample[0] <= moment] or self.samples[:1]
        ahead = self.samples[len(passed) :] or self.samples[-1:]
        (start, spent), (end, more) = passed[-1], ahead[0]
        share = max(0.0, (moment - start) / (end - start)) if end > start else 0.0
        return self.cpu_s - spent - share * (more - spent)


class Run(Protocol):
    """A system at work."""

    def check(self) -> None:
        """Raise WorkerDiedError when it has stopped working; also takes a sample of its memory."""

    def usage(self) -> Usage | None:
        """What it took; None when it is not a process of its own."""


class System(Protocol):
    """Something that writes a topic's orders into the table."""

    @property
    def group(self) -> str:
        """`ours`, `connect`, one of the peers that are built, or `limit`."""

    @property
    def name(self) -> str: ...

    @property
    def connections(self) -> int:
        """Tasks of a sink, and so its connections that write."""

    def running(self, job: Job) -> AbstractAsyncContextManager[Run]:
        """Start on `job`; stopped for certain on exit."""


KEYLESS = {"primary.key.mode": "none"}


class WorkerDiedError(RuntimeError):
    """The worker ended before its topic did; the message ends with its log."""


def connector_config(job: Job, *, tasks: int, settings: Mapping[str, str]) -> dict[str, str]:
    """Write the connector as its user would, in Debezium's spelling, which our sink reads as it stands."""
    target = urlsplit(job.dsn)
    return {
        "name": f"bench-{job.topic}-{job.directory.name}",
        "connector.class": "io.debezium.connector.jdbc.JdbcSinkConnector",
        "tasks.max": str(tasks),
        "topics": job.topic,
        "connection.url": f"jdbc:postgresql://{target.hostname}:{target.port}{target.path}",
        "connection.username": target.username or "",
        "connection.password": target.password or "",
        "insert.mode": job.mode,
        **({"primary.key.mode": "record_value", "primary.key.fields": "order_id"} if job.keyed else KEYLESS),
        "collection.name.format": "orders",
        "key.converter": "org.apache.kafka.connect.storage.StringConverter",
        "value.converter": "org.apache.kafka.connect.json.JsonConverter",
        "consumer.override.auto.offset.reset": "earliest",
        **settings,
        **job.settings,
    }


def write_connector(job: Job, config: Mapping[str, str]) -> Path:
    """Save the connector file next to the worker's log."""
    file = job.directory / "connector.json"
    file.write_text(json.dumps({"name": config["name"], "config": config}, indent=2))
    return file


@dataclass(slots=True)
class WorkerRun:
    """A worker process under observation, its descendants included."""

    process: ChildProcess
    log: Path
    peak_rss: int = 0
    samples: list[tuple[float, float]] = field(init=False, default_factory=list)
    tree: psutil.Process | None = field(init=False, default=None)
    """None when it ended before it could be looked at; `check` says so then."""

    def __post_init__(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):
            self.tree = psutil.Process(self.process.pid)

    def check(self) -> None:
        if self.process.returncode is not None:
            raise WorkerDiedError(f"{describe_exit(self.process.returncode)}\n{tail(self.log, 40)}")
        self._weigh()

    def kill(self) -> None:
        """SIGKILL to all of them at once; nobody has time for a last word."""
        self.process.kill_group()

    def usage(self) -> Usage:
        self._weigh()
        if not self.samples:
            raise WorkerDiedError(f"it ended before it could be looked at\n{tail(self.log, 40)}")
        return Usage(cpu_s=self.samples[-1][1], peak_rss=self.peak_rss, samples=tuple(self.samples))

    def _weigh(self) -> None:
        with contextlib.suppress(psutil.NoSuchProcess):  # it has just ended: the next check says so
            if not (members := self._members()):
                return
            self.peak_rss = max(self.peak_rss, sum(member.memory_info().rss for member in members))
            times = [member.cpu_times() for member in members]
            self.samples.append((time.time(), sum(t.user + t.system for t in times)))

    def _members(self) -> list[psutil.Process]:
        return [self.tree, *self.tree.children(recursive=True)] if self.tree else []


@asynccontextmanager
async def worker(command: list[str], *, job: Job, env: Mapping[str, str]) -> AsyncIterator[WorkerRun]:
    """Run `command` in the job's directory, its output in `worker.log` there."""
    log = job.directory / "worker.log"
    process = await ChildProcess.start(command, log=log, env=env, cwd=job.directory)
    try:
        yield WorkerRun(process, log)
    finally:
        await process.stop()
