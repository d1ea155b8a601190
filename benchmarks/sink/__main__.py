"""Our sink, Kafka Connect and PostgreSQL alone, in one run on one machine: `python -m benchmarks.sink --help`."""

import argparse
import asyncio
import json
import logging
import shlex
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.sink import machine, systems
from benchmarks.sink.drain import Drain, Failure, WrongRowsError, drain
from benchmarks.sink.latency import Latency, Load, latency
from benchmarks.sink.report import Result, write, write_page
from benchmarks.sink.servers import POSTGRES_SETTINGS, Servers, servers
from benchmarks.sink.system import System, WorkerDiedError
from benchmarks.sink.topics import delete_topics
from benchmarks.sink.workloads import DRAIN, TRANSFORMS, Workload, fill

GROUPS = ("ours", "connect", "limit")
PARTS = (DRAIN, TRANSFORMS, "latency")
RESULTS = Path(__file__).parent / "results"
LOADS = (Load(rate=200), Load(rate=1_000))
SMOKE_RECORDS = 30_000
SMOKE_LOADS = (Load(rate=200, warm_up_s=1, measured_s=2),)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """What to measure."""

    records: int
    runs: int
    groups: tuple[str, ...]
    parts: tuple[str, ...]
    loads: tuple[Load, ...]
    extra: Mapping[str, str] = field(default_factory=dict)


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sink", description=__doc__)
    parser.add_argument("--records", type=int, default=500_000, help="records per topic (500000)")
    parser.add_argument("--runs", type=int, default=5, help="times everything is measured, interleaved (5)")
    parser.add_argument(
        "--only", action="append", choices=GROUPS, help="this system (repeatable; all of them)"
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="this part (repeatable; all of them)")
    parser.add_argument(
        "--smoke", action="store_true", help=f"{SMOKE_RECORDS} records, once, without Kafka Connect"
    )
    parser.add_argument(
        "--connector-settings", type=Path, metavar="FILE", help="JSON object of keys for every sink"
    )
    parser.add_argument("--kafka", metavar="BOOTSTRAP", help="a running cluster to use instead of an own one")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the result files")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="measure nothing: write the page of this JSON result again",
    )
    return parser.parse_args(words)


def plan_of(options: argparse.Namespace) -> WritePlan:
    """Turn the options into a plan; `--smoke` is a plan of its own."""
    parts = tuple(options.part or PARTS)
    extra = json.loads(options.connector_settings.read_text()) if options.connector_settings else {}
    if options.smoke:
        groups = tuple(options.only or ("ours", "limit"))
        return WritePlan(
            records=SMOKE_RECORDS, runs=1, groups=groups, parts=parts, loads=SMOKE_LOADS, extra=extra
        )
    return WritePlan(
        records=options.records,
        runs=options.runs,
        groups=tuple(options.only or GROUPS),
        parts=parts,
        loads=LOADS,
        extra=extra,
    )


class Session:
    """The measurements of one run of the command, in the order in which they are made."""

    def __init__(self, plan: WritePlan, stack: Servers) -> None:
        self._plan = plan
        self._stack = stack
        self.workloads: list[Workload] = []
        self.drains: list[Drain] = []
        self.failures: list[Failure] = []
        self.latencies: list[Latency] = []

    async def fill(self) -> None:
        """Produce the topics that are to be drained."""
        self.workloads = await fill(
            self._plan.parts, records=self._plan.records, bootstrap=self._stack.bootstrap
        )

    async def measure_all(self) -> None:
        """Measure every system once. The failure of one that we compare with is kept; any other is raised."""
        for workload in self.workloads:
            for system in systems.for_throughput(self._plan.groups, self._plan.extra):
                if workload.settings and system.group == "limit":
                    continue  # PostgreSQL alone has no connector that could be set
                try:
                    self.drains.append(await self._drain(system, workload))
                except (WorkerDiedError, WrongRowsError, TimeoutError) as error:
                    if system.group != "connect":
                        raise
                    self._note(system, workload, error)
        if "latency" in self._plan.parts:
            for load in self._plan.loads:
                for system in systems.for_latency(self._plan.groups, self._plan.extra):
                    self.latencies.append(await self._latency(system, load))

    async def _drain(self, system: System, workload: Workload) -> Drain:
        done = await drain(system, workload, self._stack)
        if done.wrong_sums and done.group != "connect":
            raise WrongRowsError(f"{done.system}: the sums of {', '.join(done.wrong_sums)} differ")
        _tell(workload.name, system, f"{done.rate:10,.0f}/s")
        return done

    def _note(self, system: System, workload: Workload, error: Exception) -> None:
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        self.failures.append(
            Failure(
                system=system.name,
                connections=system.connections,
                workload=workload.name,
                reason=reason,
            )
        )
        _tell(workload.name, system, reason)

    async def _latency(self, system: System, load: Load) -> Latency:
        done = await latency(system, load, self._stack)
        _tell(f"{load.rate:,}/s", system, f"p50 {done.p50:.1f} ms, p99 {done.p99:.1f} ms")
        return done


def _tell(what: str, system: System, figure: str) -> None:
    print(f"{what:8} {system.name:46} {system.connections} {figure}", flush=True)


def open_to_postgres(directory: Path) -> Path:
    """Let everybody enter: PostgreSQL refuses to run as root, and runs as somebody else then."""
    directory.chmod(0o755)
    return directory


async def run(plan: WritePlan, *, kafka: str | None, command: str) -> AsyncIterator[Result]:
    """Give the result so far after every run; the first record lost by us or worker of ours that dies ends it."""
    with tempfile.TemporaryDirectory(prefix="sink-benchmark-", ignore_cleanup_errors=True) as name:
        async with servers(open_to_postgres(Path(name)), bootstrap=kafka) as stack:
            surroundings = await machine.describe(stack.admin_dsn)
            session = Session(plan, stack)
            try:
                await session.fill()
                for number in range(1, plan.runs + 1):
                    print(f"\nrun {number} of {plan.runs}")
                    await session.measure_all()
                    yield Result(
                        date=datetime.now(UTC).date().isoformat(),
                        command=command,
                        machine=surroundings,
                        postgres_settings=POSTGRES_SETTINGS,
                        value_bytes={each.name: each.topic.value_bytes for each in session.workloads},
                        drains=session.drains,
                        failures=session.failures,
                        latencies=session.latencies,
                    )
            finally:
                await delete_topics(stack.bootstrap, sorted({each.topic.name for each in session.workloads}))


async def measure(options: argparse.Namespace, command: str) -> None:
    """Write the result files again after every run, so that an interrupted benchmark leaves what it has."""
    measuring = asyncio.current_task()
    if measuring is not None:  # ended by a signal, it stops its servers as it does at the end
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
    async for result in run(plan_of(options), kafka=options.kafka, command=command):
        print(f"\n{write(result, options.results / f'{result.date}.json')}")


def main(words: Sequence[str]) -> None:
    """Measure and write the result files."""
    options = arguments(words)
    if options.report:
        print(write_page(Result.read(options.report), options.report))
        return
    # Its warnings are the attempts to reach a broker that is just starting.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        asyncio.run(measure(options, shlex.join(("python", "-m", "benchmarks.sink", *words))))
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
