"""The figures of README.md, README.ko.md and docs/figures.md, out of the newest dated result files.

    .venv/bin/python -m benchmarks.figures            writes them between the marks of these files
    .venv/bin/python -m benchmarks.figures --check    changes nothing; exit code 1 when a file would change

Nothing here is typed by hand: a goal, a figure and whether the goal is missed come from the benchmarks. A goal that is
missed is marked as such, and none is left out.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.commands.report import shares
from benchmarks.sink.drain import Drain
from benchmarks.sink.kills import KILLS, Survival
from benchmarks.sink.report import Result
from benchmarks.sink.targets import compare, settled
from benchmarks.sync.comparison import SECURITY, TRACES, throughput
from benchmarks.sync.measure import MOST_P99_MS, kept

REPOSITORY = Path(__file__).resolve().parents[1]
BENCHMARKS = REPOSITORY / "benchmarks"
BEGIN, END = "<!-- figures: written by benchmarks/figures.py -->\n", "<!-- end of figures -->\n"
RUNNING = "running instance: relay, saga and consumers on"
BARE = "without relay, saga and consumers"
ORDERS_PER_SECOND = 2_000
DRAINED_PER_SECOND = 20_000
PAGE_P99_MS = 10.0
READY_WARM_S, MEMORY_IDLE_MB = 15.0, 1_000
COST_MS, IDLE_PERCENT = 7.0, 8.0
KEPT_RATE = 300
LIKE_LATER = 1.25  # the p99 of the first orders by that of later ones: more is not the spread of the runs
BACK_S = 3.0
VISIBLE_MS = {100: (10.0, 50.0), 10: (6.0, 15.0)}
"""Orders a second: goals for p50 and p99."""
DATABASES = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What of a table is said in the document's language; the rows are the same in all."""

    conditions: str
    columns: str


ENGLISH = Words(
    conditions="{cores} cores, {memory_gb} GB, {system}; medians of the runs.",
    columns="| what is measured | goal | measured | result of |",
)
KOREAN = Words(
    conditions="코어 {cores}개, 메모리 {memory_gb} GB, {system}. 값은 모두 여러 번 측정한 결과의 중앙값입니다.",
    columns="| 측정 항목 | 목표 | 측정값 | 측정일 |",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One row: what was measured, the goal (may be empty), the figure, and the result file it comes from."""

    what: str
    goal: str = ""
    measured: str
    missed: bool = False
    source: Path
    headline: bool = False
    """Whether it is in the README as well. Every missed goal does."""

    def row(self, document: Path) -> str:
        """The row as `document` has it."""
        page = self.source.with_suffix(".md")
        target = page if page.exists() else self.source
        link = f"[{self.source.stem[:10]}]({_relative(target, document.parent)})"
        mark = " **missed**" if self.missed else ""
        return f"| {self.what} | {self.goal} | {self.measured}{mark} | {link} |"


def figures() -> list[Figure]:
    """Every figure, the whole running system first."""
    return [*_commands(), *_system(), *_sink(), *_kills(), *_queries()]


def _commands() -> Iterator[Figure]:
    source = _newest("commands")
    results = json.loads(source.read_text())
    for part, name in (
        (RUNNING, "one running instance"),
        (BARE, "the same without relay, saga and consumers"),
    ):
        for database, title in DATABASES.items():
            runs = [run for run in results["runs"] if run["database"] == database]
            share = median(shares(part, runs))
            rate = median(run["per_second"] for run in runs if run["part"] == part)
            yield Figure(
                what=f"{name}, orders committed a second ({title})",
                goal=f"≥ {ORDERS_PER_SECOND:,}" if part == RUNNING else "",
                measured=f"{rate:,.0f}/s, {share:.2f} of its empty route",
                missed=part == RUNNING and rate < ORDERS_PER_SECOND,
                source=source,
                headline=part == RUNNING,
            )
    for database, title in DATABASES.items():
        rate = median(rate for of, rate in results["drain"] if of == database)
        yield Figure(
            what=f"relay, waiting events published a second ({title})",
            goal=f"≥ {DRAINED_PER_SECOND:,}",
            measured=f"{rate:,.0f}/s",
            missed=rate < DRAINED_PER_SECOND,
            source=source,
            headline=database == "sqlite",
        )


def _system() -> Iterator[Figure]:
    source = _newest("sync", _named(""))
    results = json.loads(source.read_text())
    for rate, (most_p50, most_p99) in VISIBLE_MS.items():
        p50, p99 = (
            median(load["visible_ms"][share] for load in results["loads"][str(rate)])
            for share in ("p50", "p99")
        )
        yield Figure(
            what=f"commit → visible to a query at {rate} orders/s, p50 and p99",
            goal=f"≤ {most_p50:g} and {most_p99:g} ms",
            measured=f"{p50:.1f} and {p99:.1f} ms",
            missed=p50 > most_p50 or p99 > most_p99,
            source=source,
            headline=True,
        )
    yield from first_orders(results, source)
    yield from highest_rate(results, source)
    yield from _cost()
    yield from _compared()
    yield Figure(
        what="whole stack ready, warm",
        goal=f"≤ {READY_WARM_S:g} s",
        measured=f"{median(results['ready_warm_s']):.0f} s",
        missed=median(results["ready_warm_s"]) > READY_WARM_S,
        source=source,
        headline=True,
    )
    for key, what in (
        ("ready_first_s", "first start"),
        ("ready_cold_s", "fresh clone, everything downloaded"),
    ):
        if key in results:
            yield Figure(what=f"whole stack ready, {what}", measured=f"{results[key]:.0f} s", source=source)
    yield Figure(
        what="memory of the whole stack, idle",
        goal=f"≤ {MEMORY_IDLE_MB / 1000:g} GB",
        measured=f"{results['memory_idle_mb'] / 1000:.2f} GB",
        missed=results["memory_idle_mb"] > MEMORY_IDLE_MB,
        source=source,
        headline=True,
    )
    after = f"{results['memory_after_load_mb'] / 1000:.2f} GB"
    yield Figure(what="memory of the whole stack, after the loads", measured=after, source=source)


def first_orders(results: dict[str, Any], source: Path) -> Iterator[Figure]:
    """How soon the first orders after a start are visible, beside the later ones; nothing where that was not measured."""
    if "first_orders" not in results:
        return
    first = results["first_orders"]["visible_ms"]
    later = median(load["visible_ms"]["p99"] for load in results["loads"]["100"])
    yield Figure(
        what="commit → visible at 100 orders/s, the first 500 orders after a start, p50 and p99",
        goal=f"p99 as later, ≤ {LIKE_LATER * later:.0f} ms",
        measured=f"{first['p50']:.1f} and {first['p99']:.1f} ms",
        missed=first["p99"] > LIKE_LATER * later,
        source=source,
        headline=True,
    )


def highest_rate(results: dict[str, Any], source: Path) -> Iterator[Figure]:
    """The highest rate that the whole system kept; nothing where none was tried."""
    if "ladder" not in results:
        return
    rates = [int(rate) for rate, load in results["ladder"].items() if kept(load, int(rate))]
    highest = max(rates, default=0)
    yield Figure(
        what=f"highest rate kept for a minute with commit → visible below p99 {MOST_P99_MS:.0f} ms",
        goal=f"≥ {KEPT_RATE} orders/s",
        measured=f"{highest} orders/s" if highest else f"below {min(map(int, results['ladder']))} orders/s",
        missed=highest < KEPT_RATE,
        source=source,
        headline=True,
    )


def _cost() -> Iterator[Figure]:
    source = next(filter(_named("-cost"), _results("sync")), None)
    if source is None:
        return
    results = json.loads(source.read_text())
    spent = median(sum(account["processor_ms"].values()) for account in results["per_order"])
    idle = sum(results["idle"]["processor_percent"].values())
    yield Figure(
        what=f"processor time per order at {results['rate']} orders/s, all parts",
        goal=f"≤ {COST_MS:g} ms",
        measured=f"{spent:.1f} ms",
        missed=spent > COST_MS,
        source=source,
        headline=True,
    )
    yield Figure(
        what="processor time of the whole stack at rest",
        goal=f"≤ {IDLE_PERCENT:g} % of one core",
        measured=f"{idle:.0f} %",
        missed=idle > IDLE_PERCENT,
        source=source,
        headline=True,
    )


def _compared() -> Iterator[Figure]:
    whats = {
        TRACES: "processor time per order with every order traced and metrics read, against none",
        SECURITY: "processor time per order with TLS, log-ins and tokens everywhere, against none",
    }
    for comparison, what in whats.items():
        source = next(filter(_named(f"-{comparison.name}"), _results("sync")), None)
        if source is None:
            continue
        results = json.loads(source.read_text())
        more = comparison.more_percent(comparison.compared(results))
        goal = comparison.goal_percent
        yield Figure(
            what=what,
            goal="" if goal is None else f"≤ +{goal:g} %",
            measured=f"{more:+.0f} %",
            missed=goal is not None and more > goal,
            source=source,
        )
        for told, (off, on) in throughput(results).items():
            yield Figure(
                what=f"{told}, without and with {' '.join(comparison.options)}",
                measured=f"{off:,.0f} and {on:,.0f}",
                source=source,
            )


def _named(ending: str) -> Callable[[Path], bool]:
    """Whether a result's name is its day and then `ending`."""
    return lambda file: file.stem[len("2026-11-29") :] == ending


def _sink() -> Iterator[Figure]:
    yield from of_sink({source: Result.read(source) for source in _results("sink")}).values()
    with_transforms = _newest("sink", lambda file: _has_both(Result.read(file).drains, "transforms"))
    result = Result.read(with_transforms)
    rates = settled(result.drains, "transforms")
    ours, theirs = (
        max(rate for who, rate in rates.items() if who[0] == group) for group in ("ours", "connect")
    )
    yield Figure(
        what=f"sink, upsert through three transforms, times Debezium's JDBC sink {result.debezium} "
        f"at its best setting ({_count(min(ours.runs, theirs.runs))})",
        measured=f"{ours.median / theirs.median:.2f} ({ours.median:,.0f}/s : {theirs.median:,.0f}/s)",
        source=with_transforms,
    )


def of_sink(results: Mapping[Path, Result]) -> dict[str, Figure]:
    """What is measured → the figure of the newest of `results`, given newest first, that measures it.

    A result need not have everything: peers take long and change seldom.
    """
    found: dict[str, Figure] = {}
    # An older one decides the order, a newer one what is said.
    for source, result in reversed([*results.items()]):
        for verdict in compare(result.drains, result.latencies, debezium=result.debezium):
            found[verdict.what] = Figure(
                what=f"sink, {verdict.what} ({_count(verdict.runs)})",
                goal=verdict.goal,
                measured=verdict.measured,
                missed=not verdict.reached,
                source=source,
                headline=verdict.what.startswith(
                    ("upsert, times", "insert, times", "latency at 1,000 events/s, 1")
                ),
            )
    return found


def _count(runs: int) -> str:
    return f"{runs} run{'s' * (runs > 1)}"


def _kills() -> Iterator[Figure]:
    """Of the newest result that has them, if there is one."""
    for source in _results("sink"):
        survivals = Result.read(source).survivals
        if survivals:
            yield from after_kills(survivals, source)
            return


def after_kills(survivals: Sequence[Survival], source: Path) -> Iterator[Figure]:
    """Rows lost and doubled by every sink, and how soon ours writes again."""
    for each in sorted(survivals, key=lambda each: each.group != "ours"):
        is_ours = each.group == "ours"
        yield Figure(
            what=f"{each.system}, rows lost and doubled by {KILLS} kills (SIGKILL) in {each.records:,} plain inserts",
            goal="0 and 0" if is_ours else "",
            measured=f"{each.lost:,} and {each.doubled:,}",
            missed=is_ours and bool(each.lost or each.doubled),
            source=source,
            headline=is_ours,
        )
        if is_ours and each.back_s:
            yield Figure(
                what=f"{each.system}, first row after its start, longest of {len(each.back_s)} kills",
                goal=f"≤ {BACK_S:g} s",
                measured=f"{max(each.back_s):.1f} s",
                missed=max(each.back_s) > BACK_S,
                source=source,
            )


def _queries() -> Iterator[Figure]:
    source = _newest("queries")
    results = json.loads(source.read_text())
    slowest: dict[str, float] = {}
    for page in results["pages"]:
        slowest[page["question"]] = max(page["p99"], slowest.get(page["question"], 0.0))
    worst = max(slowest, key=slowest.__getitem__)
    yield Figure(
        what=f"a page of 50 out of {results['orders']:,} orders, any filter, any depth, slowest p99",
        goal=f"≤ {PAGE_P99_MS:g} ms",
        measured=f"{slowest[worst]:g} ms ({worst}; the others ≤ {sorted(slowest.values())[-2]:g} ms)",
        missed=slowest[worst] > PAGE_P99_MS,
        source=source,
        headline=True,
    )
    for name, row in results["http"]["alone"].items():
        yield Figure(
            what=f"a user's newest orders over HTTP, {name}, p50 and p99",
            measured=f"{row['p50']:.1f} and {row['p99']:.1f} ms",
            source=source,
        )


def table(document: Path, chosen: Iterable[Figure]) -> str:
    """The rows under a line that says when and where."""
    words = KOREAN if document.name.endswith(".ko.md") else ENGLISH
    conditions = words.conditions.format(**json.loads(_newest("sync", _named("")).read_text())["machine"])
    rows = (figure.row(document) for figure in chosen)
    return "\n".join([conditions, "", words.columns, "|---|---|---|---|", *rows]) + "\n"


def documents() -> dict[Path, str]:
    """What the files have to say, by path."""
    every = figures()
    visible = [each for each in every if each.headline or each.missed]
    chosen = {
        REPOSITORY / "README.md": visible,
        REPOSITORY / "README.ko.md": visible,
        REPOSITORY / "docs" / "figures.md": every,
    }
    return {document: between_marks(document, table(document, rows)) for document, rows in chosen.items()}


def main(words: Sequence[str] | None = None) -> int:
    """Write or check; gives the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="change nothing, fail when a file would change")
    options = parser.parse_args(words)
    stale = {file: text for file, text in documents().items() if file.read_text() != text}
    for file, text in stale.items():
        print(file.relative_to(REPOSITORY))
        if not options.check:
            file.write_text(text)
    return int(bool(stale and options.check))


def _newest(part: str, wanted: Callable[[Path], bool] = lambda _: True) -> Path:
    """Newest result of `benchmarks/<part>`."""
    return next(filter(wanted, _results(part)))


def _results(part: str) -> list[Path]:
    """The results of `benchmarks/<part>`, the newest first; a name begins with its day."""
    files = (BENCHMARKS / part / "results").glob("*.json")
    return sorted(files, key=lambda file: file.stem, reverse=True)


def _has_both(drains: Sequence[Drain], workload: str) -> bool:
    return {"ours", "connect"} <= {run.group for run in drains if run.workload == workload}


def between_marks(document: Path, text: str) -> str:
    """The document with `text` in the place of its figures. Raises ValueError when it has no such place."""
    before, begin, rest = document.read_text().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{document.name} has no place for the figures: {BEGIN.strip()} … {END.strip()}")
    return before + begin + text + end + after


def _relative(target: Path, folder: Path) -> str:
    ups = len(folder.relative_to(REPOSITORY).parts)
    return "../" * ups + target.relative_to(REPOSITORY).as_posix()


if __name__ == "__main__":
    sys.exit(main())
