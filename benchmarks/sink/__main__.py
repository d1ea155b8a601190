"""Our sink, Kafka Connect and PostgreSQL alone, in one run on one machine: `python -m benchmarks.sink --help`."""

import argparse
import asyncio
import json
import logging
import shlex
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from uuid import uuid4

from benchmarks.sink import cast, machine
from benchmarks.sink.contestants import Contestant
from benchmarks.sink.drain import Drain, Workload, WrongRowsError, drain
from benchmarks.sink.latency import Latency, Load, latency
from benchmarks.sink.orders import new_orders, orders_and_updates
from benchmarks.sink.report import Result, write
from benchmarks.sink.servers import POSTGRES_SETTINGS, Servers, servers
from benchmarks.sink.topics import delete_topics, fill_topic

GROUPS = ("ours", "connect", "limit")
RESULTS = Path(__file__).parent / "results"
FIRST_PORT = 28300
LOADS = (Load(rate=200), Load(rate=1_000))
SMOKE_RECORDS = 30_000
SMOKE_LOADS = (Load(rate=200, warm_up_s=1, measured_s=2),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
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
        "--only", action="append", choices=GROUPS, help="this contestant (repeatable; all of them)"
    )
    parser.add_argument(
        "--part", action="append", choices=("drain", "latency"), help="this part (repeatable; both)"
    )
    parser.add_argument(
        "--smoke", action="store_true", help=f"{SMOKE_RECORDS} records, once, without Kafka Connect"
    )
    parser.add_argument(
        "--connector-settings", type=Path, metavar="FILE", help="JSON object of keys for every sink"
    )
    parser.add_argument("--kafka", metavar="BOOTSTRAP", help="a running cluster to use instead of an own one")
    parser.add_argument(
        "--port", type=int, default=FIRST_PORT, help=f"first of eight free ports ({FIRST_PORT})"
    )
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the result files")
    return parser.parse_args(words)


def plan_of(options: argparse.Namespace) -> Plan:
    """Turn the options into a plan; `--smoke` is a plan of its own."""
    parts = tuple(options.part or ("drain", "latency"))
    extra = json.loads(options.connector_settings.read_text()) if options.connector_settings else {}
    if options.smoke:
        groups = tuple(options.only or ("ours", "limit"))
        return Plan(records=SMOKE_RECORDS, runs=1, groups=groups, parts=parts, loads=SMOKE_LOADS, extra=extra)
    return Plan(
        records=options.records,
        runs=options.runs,
        groups=tuple(options.only or GROUPS),
        parts=parts,
        loads=LOADS,
        extra=extra,
    )


class Session:
    """The measurements of one run of the command, in the order in which they are made."""

    def __init__(self, plan: Plan, stack: Servers) -> None:
        self._plan = plan
        self._stack = stack
        self.workloads: list[Workload] = []
        self.drains: list[Drain] = []
        self.latencies: list[Latency] = []

    async def measure(self) -> None:
        """Take turns: every contestant once, then all of them again."""
        if "drain" in self._plan.parts:
            self.workloads = await _fill(self._plan.records, self._stack.bootstrap)
        for number in range(1, self._plan.runs + 1):
            print(f"\nrun {number} of {self._plan.runs}")
            for workload in self.workloads:
                await self._drain(workload)
            if "latency" in self._plan.parts:
                for load in self._plan.loads:
                    await self._race(load)

    async def _drain(self, workload: Workload) -> None:
        for contestant in cast.draining(self._plan.groups, self._plan.extra):
            done = await drain(contestant, workload, self._stack)
            if done.wrong_sums and done.group != "connect":
                raise WrongRowsError(f"{done.contestant}: the sums of {', '.join(done.wrong_sums)} differ")
            self.drains.append(done)
            _tell(workload.name, contestant, f"{done.rate:10,.0f}/s")

    async def _race(self, load: Load) -> None:
        for contestant in cast.racing(self._plan.groups, self._plan.extra):
            done = await latency(contestant, load, self._stack)
            self.latencies.append(done)
            _tell(f"{load.rate:,}/s", contestant, f"p50 {done.p50:.1f} ms, p99 {done.p99:.1f} ms")


def _tell(what: str, contestant: Contestant, figure: str) -> None:
    print(f"{what:8} {contestant.name:46} {contestant.connections} {figure}", flush=True)


async def _fill(records: int, bootstrap: str) -> list[Workload]:
    workloads = []
    for name, generate in (("insert", new_orders), ("upsert", orders_and_updates)):
        orders = partial(generate, records)
        topic = await fill_topic(bootstrap, f"benchmark-{name}-{uuid4().hex[:8]}", orders())
        workloads.append(Workload(name=name, mode=name, topic=topic, orders=orders))
        print(f"{records:,} records of {topic.value_bytes:.0f} bytes in topic {topic.name}", flush=True)
    return workloads


def open_to_postgres(directory: Path) -> Path:
    """Let everybody enter: PostgreSQL refuses to run as root, and runs as somebody else then."""
    directory.chmod(0o755)
    return directory


async def run(plan: Plan, *, kafka: str | None, port: int, command: str) -> Result:
    """Measure everything in the plan; the first lost record or dead worker ends it."""
    with tempfile.TemporaryDirectory(prefix="sink-benchmark-", ignore_cleanup_errors=True) as name:
        async with servers(open_to_postgres(Path(name)), bootstrap=kafka, first_port=port) as stack:
            surroundings = await machine.describe(stack.admin_dsn)
            session = Session(plan, stack)
            try:
                await session.measure()
            finally:
                await delete_topics(stack.bootstrap, [workload.topic.name for workload in session.workloads])
    return Result(
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        machine=surroundings,
        postgres_settings=POSTGRES_SETTINGS,
        value_bytes={workload.name: workload.topic.value_bytes for workload in session.workloads},
        drains=session.drains,
        latencies=session.latencies,
    )


def main(words: Sequence[str]) -> None:
    """Measure and write the result files."""
    options = arguments(words)
    # Its warnings are the attempts to reach a broker that is just starting.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    command = shlex.join(("python", "-m", "benchmarks.sink", *words))
    result = asyncio.run(run(plan_of(options), kafka=options.kafka, port=options.port, command=command))
    print(f"\n{write(result, options.results)}")


if __name__ == "__main__":
    main(sys.argv[1:])
