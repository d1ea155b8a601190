"""Where a record's processor time goes: the stages of a task, one after the other in one process.

    .venv/bin/python -m benchmarks.sink.stages                       # with servers of its own
    .venv/bin/python -m benchmarks.sink.stages --kafka … --postgres … --records 60000 --only insert upsert

Everything is the worker's own but for the order: a batch is read, converted and written before the next one is read, so that
the processor time between two moments is that of one stage. It is nearly the same on a machine that does other things too;
how fast that is, is what `benchmarks.sink` measures.
"""

import argparse
import asyncio
import gc
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from statistics import median
from typing import Any, TypeVar
from unittest import mock
from uuid import uuid4

import asyncpg
import psutil
from aiokafka.client import AIOKafkaClient

from benchmarks.sink.__main__ import open_to_postgres
from benchmarks.sink.servers import Servers, fresh_database, servers
from benchmarks.sink.stage_cases import CASES, Case
from benchmarks.sink.statements import statement
from benchmarks.sink.system import Job, connector_config
from benchmarks.sink.topics import delete_topics, fill_topic
from sink_connector.config.worker import WorkerConfig
from sink_connector.converters import Converter
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector
from sink_connector.runtime.kafka_options import client_options
from sink_connector.runtime.sink_task import MOST_AT_ONCE, POLL_MS, SinkTask
from sink_connector.runtime.worker import Worker
from sink_connector.sink.column_mapping import ColumnMapping
from sink_connector.sink.grouping import Grouping
from sink_connector.sink.session import prepare_database
from sink_connector.sink.write_plan import WritePlan

T = TypeVar("T")

# On a machine that is busy, records that are converted one by one keep this process longer than members may be silent.
PATIENT = {"consumer.override.session.timeout.ms": "60000"}
COLLECTOR = (100_000, 50, 100)  # as the worker has it


@dataclass(frozen=True, slots=True, kw_only=True)
class _Definition(ConnectorDefinition):
    """One whose values are read by a converter that is given."""

    value_converter: Converter

    def converters(self) -> tuple[Converter, Converter]:
        return ConnectorDefinition.converters(self)[0], self.value_converter


@dataclass(slots=True)
class Clock:
    """Processor seconds of this process by stage; what a stage within another took is not counted twice."""

    spent: defaultdict[str, float] = field(default_factory=partial(defaultdict, float))
    _inner: float = 0.0

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Count what is done inside as this stage."""
        outer, self._inner = self._inner, 0.0
        began = time.process_time()
        try:
            yield
        finally:
            took = time.process_time() - began
            self.spent[name] += took - self._inner
            self._inner = outer + took

    def of(self, name: str, step: Callable[..., T]) -> Callable[..., T]:
        """A function as a stage."""

        @wraps(step)
        def timed(*given: Any, **named: Any) -> T:
            with self.stage(name):
                return step(*given, **named)

        return timed

    def of_async(self, name: str, step: Callable[..., Awaitable[T]]) -> Callable[..., Awaitable[T]]:
        """A coroutine function as a stage."""

        @wraps(step)
        async def timed(*given: Any, **named: Any) -> T:
            with self.stage(name):
                return await step(*given, **named)

        return timed


STAGES = ("poll", "convert", "reduce", "columns", "rows", "copy", "transaction")


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Microseconds of processor time per record: the worker's by stage, and the server's where it can be seen."""

    records: int
    stages: Mapping[str, float]
    server: float | None

    @property
    def total(self) -> float:
        """All that is the worker's."""
        return sum(self.stages.values())


@asynccontextmanager
async def _task(case: Case, bootstrap: str, topic: str, dsn: str) -> AsyncIterator[SinkTask]:
    """A task of the worker's, not running."""
    job = Job(
        topic=topic, mode=case.mode, bootstrap=bootstrap, dsn=dsn, directory=Path(uuid4().hex[:8]), port=0,
        orders=(), settings=case.settings,
    )  # fmt: skip
    config = WorkerConfig(bootstrap_servers=bootstrap)
    definition = define_connector(connector_config(job, tasks=1, settings=PATIENT), config)
    converter = case.converter()
    if converter is not None:
        definition = _Definition(
            config=definition.config, consumer=definition.consumer, value_converter=converter
        )
    client = AIOKafkaClient(**client_options(definition.consumer))
    await client.bootstrap()
    task = Worker(client).hold(definition).make_task(0)
    try:
        await prepare_database(await task.session.connection())
        await task.source.start()
        while not task.source.epochs:
            await task.source.poll(timeout_ms=POLL_MS, most=1)
            if task.source.assigned.is_set():
                await task._rewind()  # noqa: SLF001 - it is this that is measured
        yield task
    finally:
        await task.source.stop()
        await task.session.close()
        await client.close()


async def measure(case: Case, topic: str, records: int, stack: Servers) -> Measured:
    """Read, convert and write the whole topic into a fresh database, batch by batch; the first fifth does not count."""
    async with fresh_database(stack.admin_dsn, f"stages_{uuid4().hex[:8]}") as dsn:
        database = await asyncpg.connect(dsn)
        try:
            await database.execute(statement(case.table))
            async with _task(case, stack.bootstrap, topic, dsn) as task:
                return await _drained(task, records)
        finally:
            await database.close()


async def _drained(task: SinkTask, records: int) -> Measured:
    clock, server = Clock(), _backend(await task.session.connection())
    buffer, read, counted, server_began = task._buffer, 0, 0, 0.0  # noqa: SLF001 - as above
    with _staged(clock):
        while read < records:
            while not buffer.is_full and read + buffer.held[0] < records:
                with clock.stage("poll"):
                    polled = await task.source.poll(timeout_ms=POLL_MS, most=min(MOST_AT_ONCE, buffer.room))
                if task.source.assigned.is_set():
                    raise RuntimeError("the group has dealt out its partitions anew")
                with clock.stage("convert"):
                    await task._take_in(polled)  # noqa: SLF001
            batch = buffer.take()
            read += batch.records
            with clock.stage("transaction"):
                await task.writer.write(batch)
            if read < records / 5:
                clock.spent.clear()
                server_began = _processor_s(server)
            else:
                counted += batch.records
    per_record = 1e6 / counted
    return Measured(
        records=counted,
        stages={name: clock.spent[name] * per_record for name in STAGES},
        server=(_processor_s(server) - server_began) * per_record if server else None,
    )


@contextmanager
def _staged(clock: Clock) -> Iterator[None]:
    """Have what a transaction does on this side be stages of its own."""
    stages: tuple[tuple[type, str, str, Any], ...] = (
        (Grouping, "groups", "reduce", clock.of_async),
        (ColumnMapping, "columns", "columns", clock.of),
        (WritePlan, "rows", "rows", clock.of),
        (asyncpg.Connection, "copy_records_to_table", "copy", clock.of_async),
    )
    with ExitStack() as patches:
        for owner, name, stage, timed in stages:
            patches.enter_context(mock.patch.object(owner, name, timed(stage, getattr(owner, name))))
        yield


def _backend(connection: asyncpg.Connection) -> psutil.Process | None:
    """The server's process of a connection, if it runs on this machine."""
    try:
        return psutil.Process(connection.get_server_pid())
    except psutil.NoSuchProcess:
        return None


def _processor_s(process: psutil.Process | None) -> float:
    times = process.cpu_times() if process is not None else None
    return times.user + times.system if times is not None else 0.0


async def run(options: argparse.Namespace) -> None:
    """Fill the topics, measure every case as often as asked, in turns, and tell the medians."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECTOR)
    async with AsyncExitStack() as ending:
        directory = Path(ending.enter_context(tempfile.TemporaryDirectory(prefix="sink-stages-")))
        if options.kafka and options.postgres:
            stack = Servers(bootstrap=options.kafka, admin_dsn=options.postgres, directory=directory)
        else:
            stack = await ending.enter_async_context(
                servers(open_to_postgres(directory), bootstrap=options.kafka)
            )
        topics = {}
        try:
            for name in options.only:
                case, topic = CASES[name], f"stages-{name}-{uuid4().hex[:8]}"
                topics[name] = topic
                await fill_topic(stack.bootstrap, topic, case.orders(options.records), case.values())
            found: dict[str, list[Measured]] = {name: [] for name in options.only}
            for _ in range(options.runs):
                for name in options.only:
                    found[name].append(await measure(CASES[name], topics[name], options.records, stack))
        finally:
            await delete_topics(stack.bootstrap, list(topics.values()))
    print(table(found))


def table(found: Mapping[str, Sequence[Measured]]) -> str:
    """Microseconds of processor time per record, the median of the runs of each stage."""
    head = ("µs per record", *STAGES, "sum", "server")
    rows = [head, ("---",) * len(head)]
    for name, runs in found.items():
        stages = [median(run.stages[stage] for run in runs) for stage in STAGES]
        seen = [run.server for run in runs if run.server is not None]
        cells = [*stages, median(run.total for run in runs), *([median(seen)] if seen else [])]
        rows.append((name, *(f"{cell:.2f}" for cell in cells), *([] if seen else [""])))
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main(words: Sequence[str]) -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.sink.stages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--records", type=int, default=100_000, help="of each topic")
    parser.add_argument("--runs", type=int, default=3, help="of each case")
    parser.add_argument("--only", nargs="*", choices=tuple(CASES), default=tuple(CASES))
    parser.add_argument("--kafka", help="bootstrap servers of a cluster that runs")
    parser.add_argument("--postgres", help="DSN of a superuser on a server that runs")
    asyncio.run(run(parser.parse_args(words)))


if __name__ == "__main__":
    main(sys.argv[1:])
