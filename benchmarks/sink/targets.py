"""The goals of the sink, and what the measurements say about them.

What is called Kafka Connect here is its runtime with Debezium's JDBC sink in the version of `connect.DEBEZIUM_VERSION`;
other versions of it were not measured.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from benchmarks.sink.connect import DEBEZIUM_VERSION
from benchmarks.sink.drain import Drain
from benchmarks.sink.latency import Latency
from benchmarks.sink.peers.registry import PEERS

TIMES_PEER = {"upsert": 4.0, "insert": 4.0}
# Workload: share with one and with two connections.
SHARE_OF_LIMIT = {"upsert": {1: 0.85, 2: 0.75}, "insert": {1: 0.5, 2: 0.5}}
# What else is upserted: its share of the rate of plain JSON.
SHARE_OF_PLAIN = {"transforms": 0.75, "avro": 0.6, "protobuf": 0.6}
KINDS = {"transforms": "three transforms", "avro": "Avro", "protobuf": "Protobuf"}
PROCESSOR_US = {"insert": 4.0}
# Events per second: milliseconds at p50 and p99.
LATENCY_MS = {200: (2.0, 10.0), 1_000: (4.0, 30.0)}
MEMORY_BYTES = 150_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One goal and the figure measured for it."""

    what: str
    goal: str
    measured: str
    reached: bool
    runs: int
    """Of how many runs the medians are, the fewest of those compared."""


def compare(
    drains: Sequence[Drain], latencies: Sequence[Latency], *, debezium: str = DEBEZIUM_VERSION
) -> list[Verdict]:
    """Every goal that the measurements can speak about; `debezium` is the version they were made with."""
    verdicts = []
    for workload, goal in TIMES_PEER.items():
        for group, name in _peers(debezium).items():
            verdicts += _against_peer(settled(drains, workload), group, f"{workload}, times {name}", goal)
        verdicts += _against_limit(_medians(drains, workload), workload)
    for workload, goal in SHARE_OF_PLAIN.items():
        verdicts += _against_plain(_medians(drains, "upsert"), _medians(drains, workload), workload, goal)
    for workload, goal in PROCESSOR_US.items():
        verdicts += _processor([run for run in drains if run.workload == workload], workload, goal)
    of_ours = [run for run in latencies if run.group == "ours"]
    for rate, goals in LATENCY_MS.items():
        verdicts += _latencies([run for run in of_ours if run.rate == rate], rate, goals)
    peaks = [run.peak_rss for run in drains if run.group == "ours"] + [run.peak_rss for run in of_ours]
    return verdicts + _memory(peaks)


class Rate(NamedTuple):
    """A median of records per second, and of how many runs."""

    median: float
    runs: int


def _medians(drains: Sequence[Drain], workload: str) -> dict[tuple[str, str, int], Rate]:
    """Median rate per group, name and connections."""
    rates: dict[tuple[str, str, int], list[float]] = {}
    for run in drains:
        if run.workload == workload:
            rates.setdefault((run.group, run.system, run.connections), []).append(run.rate)
    return {who: Rate(median(values), len(values)) for who, values in rates.items()}


def settled(drains: Sequence[Drain], workload: str) -> dict[tuple[str, str, int], Rate]:
    """The medians of the settings that were measured most often; a setting that was only tried has one run."""
    runs = Counter((run.group, run.system, run.connections) for run in drains if run.workload == workload)
    most: Counter[str] = Counter()
    for (group, _, _), count in runs.items():
        most[group] = max(most[group], count)
    return {who: rate for who, rate in _medians(drains, workload).items() if runs[who] == most[who[0]]}


def _peers(debezium: str) -> dict[str, str]:
    return {
        "connect": f"Debezium's JDBC sink {debezium} at its best setting",
        **{group: f"{peer.title} {peer.version} at its best setting" for group, peer in PEERS.items()},
    }


def _against_peer(
    rates: dict[tuple[str, str, int], Rate], group: str, what: str, goal: float
) -> list[Verdict]:
    ours = {who: rate for who, rate in rates.items() if who[0] == "ours"}
    theirs = {who: rate for who, rate in rates.items() if who[0] == group}
    if not ours or not theirs:
        return []
    best, rival = max(ours, key=ours.__getitem__), max(theirs, key=theirs.__getitem__)
    times = ours[best].median / theirs[rival].median
    setting = rival[1].partition(", ")[2] or rival[1]
    return [
        Verdict(
            what=what,
            goal=f"≥ {goal:g}",
            measured=f"{times:.2f} ({ours[best].median:,.0f}/s with {best[2]} : {theirs[rival].median:,.0f}/s, "
            f"{setting}, with {rival[2]})",
            reached=times >= goal,
            runs=min(ours[best].runs, theirs[rival].runs),
        )
    ]


def _against_limit(rates: dict[tuple[str, str, int], Rate], workload: str) -> list[Verdict]:
    limits = {who[2]: rate for who, rate in rates.items() if who[0] == "limit"}
    verdicts = []
    for (group, _, connections), ours in rates.items():
        if group != "ours" or connections not in limits:
            continue
        limit, goal = limits[connections], SHARE_OF_LIMIT[workload][connections]
        share = ours.median / limit.median
        verdicts.append(
            Verdict(
                what=f"{workload}, share of PostgreSQL's limit, {connections} connection{'s' * (connections > 1)}",
                goal=f"≥ {goal:g}",
                measured=f"{share:.2f} ({ours.median:,.0f}/s : {limit.median:,.0f}/s)",
                reached=share >= goal,
                runs=min(ours.runs, limit.runs),
            )
        )
    return verdicts


def _against_plain(
    plain: dict[tuple[str, str, int], Rate],
    rates: dict[tuple[str, str, int], Rate],
    workload: str,
    goal: float,
) -> list[Verdict]:
    return [
        Verdict(
            what=f"upsert, {KINDS[workload]}, share of plain JSON, {who[2]} task{'s' * (who[2] > 1)}",
            goal=f"≥ {goal:g}",
            measured=f"{rate.median / plain[who].median:.2f} ({rate.median:,.0f}/s : {plain[who].median:,.0f}/s)",
            reached=rate.median >= goal * plain[who].median,
            runs=min(rate.runs, plain[who].runs),
        )
        for who, rate in rates.items()
        if who[0] == "ours" and who in plain
    ]


def _processor(drains: Sequence[Drain], workload: str, goal: float) -> list[Verdict]:
    verdicts = []
    for tasks in sorted({run.connections for run in drains}):
        costs = [
            run.cpu_us
            for run in drains
            if run.group == "ours" and run.connections == tasks and run.cpu_us is not None
        ]
        if costs:
            verdicts.append(
                Verdict(
                    what=f"{workload}, worker's processor time per record, {tasks} task{'s' * (tasks > 1)}",
                    goal=f"≤ {goal:g} µs",
                    measured=f"{median(costs):.1f} µs",
                    reached=median(costs) <= goal,
                    runs=len(costs),
                )
            )
    return verdicts


def _latencies(runs: Sequence[Latency], rate: int, goals: tuple[float, float]) -> list[Verdict]:
    verdicts = []
    for tasks in sorted({run.connections for run in runs}):
        of_these = [run for run in runs if run.connections == tasks]
        p50, p99 = median(run.p50 for run in of_these), median(run.p99 for run in of_these)
        verdicts.append(
            Verdict(
                what=f"latency at {rate:,} events/s, {tasks} task{'s' * (tasks > 1)}",
                goal=f"p50 ≤ {goals[0]:g} ms, p99 ≤ {goals[1]:g} ms",
                measured=f"{p50:.1f} and {p99:.1f} ms",
                reached=p50 <= goals[0] and p99 <= goals[1],
                runs=len(of_these),
            )
        )
    return verdicts


def _memory(sizes: Sequence[int | None]) -> list[Verdict]:
    peaks = [size for size in sizes if size is not None]
    if not peaks:
        return []
    return [
        Verdict(
            what="memory of the worker, largest of all runs",
            goal=f"≤ {MEMORY_BYTES / 1e6:.0f} MB",
            measured=f"{max(peaks) / 1e6:.0f} MB",
            reached=max(peaks) <= MEMORY_BYTES,
            runs=len(peaks),
        )
    ]
