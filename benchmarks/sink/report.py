"""The result of a benchmark: kept as JSON, told as Markdown with a chart."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TypeVar

from benchmarks.sink.chart import Bar, Panel, svg
from benchmarks.sink.drain import Drain, Failure
from benchmarks.sink.kills import Survival
from benchmarks.sink.latency import Latency
from benchmarks.sink.machine import Machine
from benchmarks.sink.peers.registry import PEERS
from benchmarks.sink.targets import compare

T = TypeVar("T")

THROUGHPUT_NOTE = """\
Records per second after the first fifth of the topic: median (slowest to fastest run). Memory is the worker's largest
resident set, processor time that of the worker with its start.
"""
PEERS_NOTE = """\
Of every peer each setting is tried once, and the fastest is measured in all runs. Tasks are a peer's members of its
consumer group, or its statements in flight.
"""
SURVIVAL_NOTE = """\
Plain inserts into a table without a key. The worker was killed (`SIGKILL`) after the rows named, and started again at
once, at its own configuration. Lost are records without a row, doubled are rows beyond the first of a record. Back is the
time from a start after a kill to the next row; the consumers' session time-out is 10 s where it can be set (Bento's is its
client's).
"""
SURVIVAL_HEAD = ("who", "records", "killed after rows", "lost", "doubled", "back after", "ended by itself")
LATENCY_HEAD = (
    "events/s",
    "who",
    "tasks",
    "p50",
    "p90",
    "p99",
    "worst",
    "p50, p99 from `send`",
    "runs",
    "peak memory",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """Everything measured in one run of the command, every single run included."""

    date: str
    command: str
    machine: Machine
    postgres_settings: dict[str, str]
    value_bytes: dict[str, float]
    """Mean size of a record's value per workload."""
    drains: list[Drain]
    failures: list[Failure]
    latencies: list[Latency]
    survivals: list[Survival] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    """Peers that could not be built, and why."""

    @property
    def debezium(self) -> str:
        """Version of Debezium's JDBC sink, which runs in Kafka Connect here."""
        return self.machine.versions["debezium-connector-jdbc"]

    @classmethod
    def read(cls, file: Path) -> "Result":
        """Load what `write` has kept."""
        kept = json.loads(file.read_text())
        tuples = ("tenths_s", "wrong_sums")
        drains = [Drain(**run | {name: tuple(run[name]) for name in tuples}) for run in kept.pop("drains")]
        return cls(
            **kept
            | {
                "machine": Machine(**kept["machine"]),
                "drains": drains,
                "failures": [Failure(**failure) for failure in kept["failures"]],
                "latencies": [Latency(**run) for run in kept["latencies"]],
                "survivals": [
                    Survival(**run | {name: tuple(run[name]) for name in ("killed_at", "back_s")})
                    for run in kept.get("survivals", ())
                ],
            }
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Median and extremes of the runs."""

    low: float
    median: float
    high: float

    @classmethod
    def of(cls, values: Iterable[float]) -> "Spread":
        ordered = sorted(values)
        return cls(low=ordered[0], median=median(ordered), high=ordered[-1])


def write(result: Result, file: Path) -> Path:
    """Write the JSON `file`, the Markdown beside it and, when there is throughput, the SVG; give the Markdown's path."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(asdict(result), indent=1) + "\n")
    return write_page(result, file)


def write_page(result: Result, file: Path) -> Path:
    """Write Markdown and SVG beside the JSON `file`: the page has nothing that is not measured."""
    if result.drains:
        chart = svg("Records per second, median of the runs", panels(result.drains))
        file.with_suffix(".svg").write_text(chart)
    page = file.with_suffix(".md")
    page.write_text(markdown(result, chart=file.with_suffix(".svg").name))
    return page


def markdown(result: Result, *, chart: str) -> str:
    """Tell the result as a page that shows the file `chart`."""
    parts = [f"# Sink benchmark, {result.date}\n", *_circumstances(result)]
    verdicts = compare(result.drains, result.latencies, debezium=result.debezium)
    if verdicts:
        rows = [(v.what, v.goal, v.measured, "reached" if v.reached else "**missed**") for v in verdicts]
        parts += ["## Against the goals\n", _table(("figure", "goal", "measured", ""), rows)]
    if result.drains:
        parts += [
            "## Throughput\n",
            f"![Records per second]({chart})\n",
            THROUGHPUT_NOTE,
            _table(
                ("workload", "who", "tasks", "records/s", "runs", "peak memory", "processor time"),
                list(_throughput_rows(result.drains)),
            ),
            *_defects(result.drains),
            *(
                f"{f.system} ({_tasks(f.connections)}) did not finish {f.workload}: {f.reason}\n"
                for f in result.failures
            ),
            *_remarks(result.drains),
        ]
    if result.survivals:
        parts += [
            "## Lost and doubled after three kills\n",
            SURVIVAL_NOTE,
            _table(SURVIVAL_HEAD, list(_survival_rows(result.survivals))),
        ]
    if result.latencies:
        parts += [
            "## Latency\n",
            "Milliseconds from the producer's acknowledgement to the commit of the row, the median of the runs.\n",
            _table(
                LATENCY_HEAD,
                list(_latency_rows(result.latencies)),
            ),
        ]
    return "\n".join(parts)


def panels(drains: Sequence[Drain]) -> list[Panel]:
    """One panel per workload, fastest first."""
    drawn = []
    for workload in dict.fromkeys(drain.workload for drain in drains):
        bars = [
            Bar(
                label=f"{runs[0].system}, {_tasks(runs[0].connections)}",
                group=runs[0].group,
                **asdict(Spread.of(run.rate for run in runs)),
            )
            for runs in _grouped([d for d in drains if d.workload == workload], _who)
        ]
        drawn.append(Panel(title=workload, bars=sorted(bars, key=lambda bar: -bar.median)))
    return drawn


def _circumstances(result: Result) -> list[str]:
    machine = result.machine
    versions = ", ".join(f"{what} {which}" for what, which in machine.versions.items())
    sizes = ", ".join(f"{name}: {size:.0f} bytes" for name, size in result.value_bytes.items())
    settings = ", ".join(f"`{name}={value}`" for name, value in result.postgres_settings.items())
    return [
        f"Command: `{result.command}`\n",
        f"- Machine: {machine.cores} cores ({machine.cpu}), {machine.memory_gib} GiB, {machine.system}.",
        f"- Processor in use by others before the first run: {machine.busy_before_percent:.0f} %.",
        f"- Versions: {versions}.",
        f"- Mean value: {sizes or 'no topic was filled'}; lz4, six partitions, three copies.",
        f"- PostgreSQL, alike for everybody: {settings}.",
        *(f"- {PEERS[group].title} is left out: {why}." for group, why in result.missing.items()),
        "",
    ]


def _defects(drains: Sequence[Drain]) -> list[str]:
    """Say who wrote something else than it was sent; its speed counts all the same."""
    return [
        f"{name} wrote wrong values ({', '.join(wrong)}): every record arrived, but these sums differ.\n"
        for name, wrong in dict.fromkeys((run.system, run.wrong_sums) for run in drains if run.wrong_sums)
    ]


def _remarks(drains: Sequence[Drain]) -> list[str]:
    """What a peer that took part cannot do, or is given in another way."""
    present = {run.group for run in drains}
    remarks = [f"- {peer.remark}.\n" for group, peer in PEERS.items() if group in present]
    return [PEERS_NOTE, *remarks] if remarks else []


def _survival_rows(survivals: Sequence[Survival]) -> Iterable[tuple[str, ...]]:
    for each in survivals:
        yield (
            each.system,
            f"{each.records:,}",
            ", ".join(f"{rows:,}" for rows in each.killed_at),
            f"{each.lost:,}",
            f"{each.doubled:,}",
            ", ".join(f"{seconds:.1f}" for seconds in each.back_s) + " s" if each.back_s else "",
            f"{each.deaths:,}" if each.deaths else "",
        )


def _throughput_rows(drains: Sequence[Drain]) -> Iterable[tuple[str, ...]]:
    for runs in _grouped(drains, lambda drain: (drain.workload, *_who(drain))):
        rate = Spread.of(run.rate for run in runs)
        memory = [run.peak_rss for run in runs if run.peak_rss is not None]
        processor = [run.cpu_s for run in runs if run.cpu_s is not None]
        yield (
            runs[0].workload,
            runs[0].system,
            str(runs[0].connections),
            f"{rate.median:,.0f} ({rate.low:,.0f} to {rate.high:,.0f})",
            str(len(runs)),
            _megabytes(max(memory)) if memory else "",
            f"{median(processor):.1f} s" if processor else "",
        )


def _latency_rows(latencies: Sequence[Latency]) -> Iterable[tuple[str, ...]]:
    for runs in _grouped(latencies, lambda run: (run.rate, *_who(run))):
        yield (
            f"{runs[0].rate:,}",
            runs[0].system,
            str(runs[0].connections),
            *(f"{median(getattr(run, name) for run in runs):.1f}" for name in ("p50", "p90", "p99", "worst")),
            f"{median(run.from_send_p50 for run in runs):.1f}, {median(run.from_send_p99 for run in runs):.1f}",
            str(len(runs)),
            _megabytes(max(run.peak_rss for run in runs)),
        )


def _who(run: Drain | Latency) -> tuple[str, int]:
    return run.system, run.connections


def _grouped(runs: Sequence[T], key: Callable[[T], object]) -> list[list[T]]:
    groups: dict[object, list[T]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run)
    return list(groups.values())


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
