"""docs/faults.md: the matrix of faults, healing times and the runs of chaos. `python -m tests.support.faults` writes it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.chaos.heal import percentile
from tests.support.fault_matrix import FAULTS

REPOSITORY = Path(__file__).parents[2]
DOCUMENT = REPOSITORY / "docs" / "faults.md"
RUNS = REPOSITORY / "benchmarks" / "chaos" / "results"
ALONE = REPOSITORY / "benchmarks" / "chaos" / "healing"
BEGIN, END = "<!-- faults: generated -->\n", "<!-- end of faults -->\n"
BEGIN_ALONE, END_ALONE = "<!-- healing: generated -->\n", "<!-- end of healing -->\n"
BEGIN_RUNS, END_RUNS = "<!-- runs: generated -->\n", "<!-- end of runs -->\n"
GOALS_S = {"kill-broker": 4, "kill-database": 1, "stop-database": 1, "kill-sink": 3, "kill-instance": 2}


def table() -> str:
    """All faults, as Markdown; what is open stands where it is."""
    rows = ["| fault | what must come of it | decided by | shown by | open |", "|---|---|---|---|---|"]
    for each in FAULTS:
        shown = "<br>".join(f"`{test}`" for test in each.tests)
        rows.append(
            f"| {each.name} | {each.behaviour} | {', '.join(each.invariants)} | {shown} | {each.open} |"
        )
    return "\n".join(rows) + "\n"


def runs() -> str:
    """The committed runs of `./demo chaos`, as Markdown; faults are those that were carried out."""
    rows = [
        "| day | seed | minutes | faults | operations | lost, doubled or wrong | result |",
        "|---|---|---|---|---|---|---|",
    ]
    for file in sorted(RUNS.glob("*.json")):
        rows.extend(_rows(file.name[:10], json.loads(file.read_text(encoding="utf-8"))))
    return "\n".join(rows) + "\n"


def _rows(day: str, found: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for run in found:
        struck = sum(kind["struck"] for kind in run["faults"].values()) - len(run["not_carried_out"])
        wrong = len(run["findings"]) + len(run["violations"])
        yield (
            f"| {day} | {run['seed']} | {run['seconds'] / 60:g} | {struck} | {run['operations']} | {wrong} | "
            f"{'clean' if run['clean'] else 'violations'} |"
        )


def alone() -> str:
    """How soon the next order was visible after each fault alone, of the newest measurement, as Markdown."""
    files = sorted(ALONE.glob("*.json"))
    if not files:
        return "Not measured yet.\n"
    found = json.loads(files[-1].read_text(encoding="utf-8"))
    rows = [
        f"Measured on {files[-1].stem}, {found['runs']} runs; {'clean' if found['clean'] else 'with violations'}.\n",
        "| fault | times | p50 | p99 | goal | never |",
        "|---|---|---|---|---|---|",
    ]
    for kind, what in found["faults"].items():
        times = what["heal_s"]
        shown = [f"{percentile(times, share):.1f} s" if times else "-" for share in (0.5, 0.99)]
        goal = f"≤ {GOALS_S[kind]} s" if kind in GOALS_S else ""
        rows.append(f"| {kind} | {len(times)} | {shown[0]} | {shown[1]} | {goal} | {what['never'] or ''} |")
    return "\n".join(rows) + "\n"


def document(text: str) -> str:
    """The document with its tables as they are now."""
    text = _replaced(text, BEGIN, table(), END)
    text = _replaced(text, BEGIN_ALONE, alone(), END_ALONE)
    return _replaced(text, BEGIN_RUNS, runs(), END_RUNS)


def _replaced(text: str, begin: str, generated: str, end: str) -> str:
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}{generated}{end}{after}"


if __name__ == "__main__":
    DOCUMENT.write_text(document(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
