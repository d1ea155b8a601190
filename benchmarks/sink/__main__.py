"""Our sink, its peers and PostgreSQL alone, in one run on one machine: `python -m benchmarks.sink --help`."""

import argparse
import asyncio
import json
import logging
import shlex
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.sink import machine
from benchmarks.sink.drain import Drain, Failure, WrongRowsError, drain
from benchmarks.sink.kills import Survival, survive
from benchmarks.sink.latency import Latency, Load, latency
from benchmarks.sink.peers import registry
from benchmarks.sink.peers.cache import DEFAULT_CACHE
from benchmarks.sink.report import Result, write, write_page
from benchmarks.sink.servers import POSTGRES_SETTINGS, Servers, servers
from benchmarks.sink.system import System, WorkerDiedError
from benchmarks.sink.systems import Participants
from benchmarks.sink.topics import delete_topics
from benchmarks.sink.workloads import DRAIN, FORMATS, KILLS, TRANSFORMS, Workload, fill
from devservers.ports import free_ports
from tests.support.apicurio import apicurio

GROUPS = ("ours", "connect", *registry.PEERS, "limit")
PARTS = (DRAIN, TRANSFORMS, FORMATS, KILLS, "latency")
SMOKE_PARTS = tuple(part for part in PARTS if part != FORMATS)  # a registry would have to be fetched
RECORDS = 200_000
KILLED_RECORDS = 500_000
RESULTS = Path(__file__).parent / "results"
LOADS = (Load(rate=200), Load(rate=1_000))
SMOKE_RECORDS = 30_000
SMOKE_LOADS = (Load(rate=200, warm_up_s=1, measured_s=2),)


@dataclass(frozen=True, slots=True, kw_only=True)
class WritePlan:
    """What to measure."""

    records: int
    killed_records: int
    runs: int
    participants: Participants
    parts: tuple[str, ...]
    loads: tuple[Load, ...]
    so_far: Result | None = None
    """A result that this one continues."""


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sink", description=__doc__)
    parser.add_argument(
        "--records", type=int, help=f"records per topic ({RECORDS}; {KILLED_RECORDS} for kills)"
    )
    parser.add_argument("--runs", type=int, default=5, help="times everything is measured, interleaved (5)")
    parser.add_argument(
        "--only", action="append", choices=GROUPS, help="this system (repeatable; all of them)"
    )
    parser.add_argument("--part", action="append", choices=PARTS, help="this part (repeatable; all of them)")
    parser.add_argument(
        "--smoke", action="store_true", help=f"{SMOKE_RECORDS} records, once, nothing that has to be fetched"
    )
    parser.add_argument(
        "--connector-settings",
        type=Path,
        metavar="FILE",
        help="JSON object of keys for ours and Kafka Connect",
    )
    parser.add_argument("--kafka", metavar="BOOTSTRAP", help="a running cluster to use instead of an own one")
    parser.add_argument(
        "--registry", metavar="URL", default="", help="a running schema registry instead of an own one"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the result files")
    parser.add_argument(
        "--add-to", type=Path, metavar="FILE", help="go on with this JSON result and write it again"
    )
    parser.add_argument(
        "--cache", type=Path, default=DEFAULT_CACHE, help=f"where the peers are built ({DEFAULT_CACHE})"
    )
    parser.add_argument("--build", action="store_true", help="build the peers and measure nothing")
    parser.add_argument(
        "--report",
        type=Path,
        metavar="FILE",
        help="measure nothing: write the page of this JSON result again",
    )
    return parser.parse_args(words)


def plan_of(options: argparse.Namespace, built: registry.Built) -> WritePlan:
    """Turn the options into a plan; `--smoke` is small, once, and of those that need nothing fetched or built."""
    extra = json.loads(options.connector_settings.read_text()) if options.connector_settings else {}
    small = SMOKE_RECORDS if options.smoke else None
    return WritePlan(
        records=options.records or small or RECORDS,
        killed_records=options.records or small or KILLED_RECORDS,
        runs=1 if options.smoke else options.runs,
        participants=Participants(groups=groups_of(options), extra=extra, programs=built.programs),
        parts=tuple(options.part or (SMOKE_PARTS if options.smoke else PARTS)),
        loads=SMOKE_LOADS if options.smoke else LOADS,
        so_far=Result.read(options.add_to) if options.add_to else None,
    )


def groups_of(options: argparse.Namespace) -> tuple[str, ...]:
    """Who is asked for."""
    return tuple(options.only or (("ours", "limit") if options.smoke else GROUPS))


class Session:
    """The measurements of one run of the command, in the order in which they are made."""

    def __init__(self, plan: WritePlan, stack: Servers, registry: str) -> None:
        self._plan = plan
        self._stack = stack
        self._registry = registry
        self.workloads: list[Workload] = []
        before = plan.so_far
        self.drains: list[Drain] = [*before.drains] if before else []
        self.failures: list[Failure] = [*before.failures] if before else []
        self.latencies: list[Latency] = [*before.latencies] if before else []
        self.survivals: list[Survival] = [*before.survivals] if before else []

    async def fill(self) -> None:
        """Produce the topics that are to be drained."""
        plan = self._plan
        self.workloads = await fill(
            plan.parts,
            records=plan.records,
            killed_records=plan.killed_records,
            bootstrap=self._stack.bootstrap,
            registry=self._registry,
        )

    async def measure_all(self, *, first: bool) -> None:
        """Measure every system once. The failure of one that we compare with is kept; any other is raised."""
        who = self._plan.participants
        for workload in self.workloads:
            if workload.name == KILLS:
                if first:  # what is lost is a property, not a speed
                    await self._survive_all(workload)
                continue
            for system in who.for_throughput():
                if system.group not in (workload.groups or GROUPS) or not self._is_worth_it(system, workload):
                    continue
                try:
                    self.drains.append(await self._drain(system, workload))
                except (WorkerDiedError, WrongRowsError, TimeoutError) as error:
                    self._fail(system, workload, error)
        if "latency" in self._plan.parts:
            for load in self._plan.loads:
                for system in who.for_latency():
                    self.latencies.append(await self._latency(system, load))

    def _is_worth_it(self, system: System, workload: Workload) -> bool:
        """Whether this setting is the fastest of its system so far; before all of them were tried, every one is."""
        if system.group in {"ours", "limit"}:
            return True
        tried = [run for run in self.drains if (run.group, run.workload) == (system.group, workload.name)]
        settings = {(run.system, run.connections) for run in tried}
        failed = {(each.system, each.connections) for each in self.failures if each.workload == workload.name}
        me = (system.name, system.connections)
        if me in failed:
            return False
        untried = (
            {
                (each.name, each.connections)
                for each in self._plan.participants.for_throughput()
                if each.group == system.group
            }
            - settings
            - failed
        )
        if untried:
            return me in untried
        best = max(tried, key=lambda run: run.rate)
        return me == (best.system, best.connections)

    async def _survive_all(self, workload: Workload) -> None:
        for system in self._plan.participants.for_kills():
            try:
                done = await survive(system, workload.topic, self._stack)
            except (WorkerDiedError, WrongRowsError, TimeoutError) as error:
                self._fail(system, workload, error)
                continue
            if system.group == "ours" and (done.lost or done.doubled):
                raise WrongRowsError(f"{done.lost:,} lost and {done.doubled:,} doubled")
            self.survivals.append(done)
            _tell(workload.name, system, f"{done.lost:,} lost, {done.doubled:,} doubled")

    async def _drain(self, system: System, workload: Workload) -> Drain:
        done = await drain(system, workload, self._stack)
        if done.wrong_sums and done.group in {"ours", "limit"}:
            raise WrongRowsError(f"{done.system}: the sums of {', '.join(done.wrong_sums)} differ")
        _tell(workload.name, system, f"{done.rate:10,.0f}/s")
        return done

    def _fail(self, system: System, workload: Workload, error: Exception) -> None:
        """Keep why one that we compare with did not finish; raise it of our own."""
        if system.group in {"ours", "limit"}:
            raise error
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        self.failures.append(
            Failure(
                system=system.name,
                connections=system.connections,
                workload=workload.name,
                reason=reason,
            )
        )
        _tell(workload.name, system, str(error))

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


async def run(
    plan: WritePlan, *, missing: Mapping[str, str], kafka: str | None, registry_url: str, command: str
) -> AsyncIterator[Result]:
    """Give the result so far after every run; the first record lost by us or worker of ours that dies ends it."""
    before = plan.so_far
    with tempfile.TemporaryDirectory(prefix="sink-benchmark-", ignore_cleanup_errors=True) as name:
        async with AsyncExitStack() as resources:
            stack = await resources.enter_async_context(
                servers(open_to_postgres(Path(name)), bootstrap=kafka)
            )
            surroundings = await machine.describe(stack.admin_dsn)
            if FORMATS in plan.parts and not registry_url:
                started = apicurio(Path(name), port=free_ports(1)[0])
                registry_url = (await asyncio.to_thread(resources.enter_context, started)).url
            session = Session(plan, stack, registry_url)
            try:
                await session.fill()
                for number in range(1, plan.runs + 1):
                    print(f"\nrun {number} of {plan.runs}")
                    await session.measure_all(first=number == 1)
                    yield Result(
                        date=before.date if before else datetime.now(UTC).date().isoformat(),
                        command=f"{before.command}; {command}" if before else command,
                        machine=surroundings,
                        postgres_settings=POSTGRES_SETTINGS,
                        value_bytes=(before.value_bytes if before else {})
                        | {each.name: each.topic.value_bytes for each in session.workloads},
                        drains=session.drains,
                        failures=session.failures,
                        latencies=session.latencies,
                        survivals=session.survivals,
                        missing={**(before.missing if before else {}), **missing},
                    )
            finally:
                await delete_topics(stack.bootstrap, sorted({each.topic.name for each in session.workloads}))


async def measure(options: argparse.Namespace, built: registry.Built, command: str) -> None:
    """Write the result files again after every run, so that an interrupted benchmark leaves what it has."""
    measuring = asyncio.current_task()
    if measuring is not None:  # ended by a signal, it stops its servers as it does at the end
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, measuring.cancel)
    plan = plan_of(options, built)
    results = run(
        plan, missing=built.missing, kafka=options.kafka, registry_url=options.registry, command=command
    )
    async for result in results:
        print(f"\n{write(result, options.add_to or options.results / f'{result.date}.json')}")


def main(words: Sequence[str]) -> None:
    """Measure and write the result files."""
    options = arguments(words)
    if options.report:
        print(write_page(Result.read(options.report), options.report))
        return
    built = registry.build(groups_of(options), options.cache)
    if options.build:
        return
    # Its warnings are the attempts to reach a broker that is just starting.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    try:
        asyncio.run(measure(options, built, shlex.join(("python", "-m", "benchmarks.sink", *words))))
    except asyncio.CancelledError:
        sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    main(sys.argv[1:])
