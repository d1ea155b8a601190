"""The results of a run of this benchmark as Markdown."""

import statistics
from collections.abc import Mapping, Sequence
from typing import Any

EMPTY = "empty route"
"""What the shares are taken against, within the same run."""


def markdown(results: Mapping[str, Any]) -> str:
    """Medians with the lowest and the highest of the runs; `results` is the content of the JSON file."""
    lines = [
        f"# Commands, {results['day']}",
        "",
        f"{results['machine']}; {results['connections']} connections.",
    ]
    for database in dict.fromkeys(run["database"] for run in results["runs"]):
        runs = [run for run in results["runs"] if run["database"] == database]
        lines += [
            "",
            f"## {database}",
            "",
            "| what is measured | per second | of the empty route | p50 ms | p99 ms | CPU µs each |",
            "|---|---|---|---|---|---|",
            *(_row(part, runs) for part in dict.fromkeys(run["part"] for run in runs)),
        ]
        rates = spread([rate for of, rate in results["drain"] if of == database], "{:,.0f}")
        lines.append(f"\nThe relay drains {results['events']:,} waiting events at {rates} a second.")
    return "\n".join(lines) + "\n"


def spread(values: Sequence[float], form: str) -> str:
    """`median (lowest to highest)`, or the only value."""
    low, middle, high = (form.format(f(values)) for f in (min, statistics.median, max))
    return middle if len(values) == 1 else f"{middle} ({low} to {high})"


def shares(part: str, runs: Sequence[Mapping[str, Any]]) -> list[float]:
    """Rate of `part` per rate of the empty route, run by run."""
    empty = {run["run"]: run["per_second"] for run in runs if run["part"] == EMPTY}
    return [run["per_second"] / empty[run["run"]] for run in runs if run["part"] == part]


def _row(part: str, runs: Sequence[Mapping[str, Any]]) -> str:
    mine = [run for run in runs if run["part"] == part]
    cells = [
        spread([run["per_second"] for run in mine], "{:,.0f}"),
        spread(shares(part, runs), "{:.2f}"),
        spread([run["p50_ms"] for run in mine], "{:.1f}"),
        spread([run["p99_ms"] for run in mine], "{:.1f}"),
        spread([run["cpu_us"] for run in mine], "{:,.0f}"),
    ]
    return f"| {part} | {' | '.join(cells)} |"
