"""What it costs to record every order, out of the accounts of stacks without and with traces."""

from collections.abc import Mapping
from statistics import median
from typing import Any

KEEPERS = ("zipkin", "prometheus")
"""What keeps traces and metrics: another machine's work where it matters, so it is told of apart."""
GOAL_PERCENT = 10.0


def compared(figures: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """Milliseconds of processor time per order by part, without traces and with them: medians, the largest first."""
    off, on = (
        _medians([account["per_order"][0]["processor_ms"] for account in figures[turn]])
        for turn in ("off", "on")
    )
    parts = sorted(off.keys() | on.keys(), key=lambda part: -on.get(part, 0.0))
    return {part: (off.get(part, 0.0), on.get(part, 0.0)) for part in parts}


def more_percent(parts: Mapping[str, tuple[float, float]]) -> float:
    """How much more the stack's own parts use with traces, those that keep them left out."""
    off, on = _sums(parts)
    return 100 * (on - off) / off


def described(figures: Mapping[str, Any]) -> str:
    """The comparison as a page of Markdown."""
    parts, machine = compared(figures), figures["machine"]
    own = {part: each for part, each in parts.items() if part not in KEEPERS}
    rows = [*own.items(), ("all", _sums(parts))]
    kept = ", ".join(f"{part} {parts[part][1]:.2f} ms" for part in KEEPERS if part in parts)
    more = more_percent(parts)
    conditions = (
        f"{machine['cores']} cores, load average {machine['load_before']:.1f} before; {figures['rate']} orders/s for "
        f"{figures['seconds']} s, runs of each: {len(figures['off'])} (medians), in turns. Off: `./demo up`; on: `./demo up "
        "--observe`, every order recorded and sent, metrics read every two seconds. The load generator is not counted."
    )
    verdict = (
        f"Together {more:+.1f} %; the goal is at most {GOAL_PERCENT:.0f} %, which is "
        f"{'reached' if more <= GOAL_PERCENT else 'missed'}. Beside them, per order: {kept or 'nothing'}."
    )
    table = "\n".join(
        (
            "| processor time per order | off, ms | on, ms | more |",
            "|---|---|---|---|",
            *(f"| {part} | {off:.2f} | {on:.2f} | {on - off:+.2f} |" for part, (off, on) in rows),
        )
    )
    return f"# What traces cost, {figures['day']}\n\n{conditions}\n\n{table}\n\n{verdict}\n"


def _sums(parts: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
    own = [each for part, each in parts.items() if part not in KEEPERS]
    return sum(off for off, _ in own), sum(on for _, on in own)


def _medians(accounts: list[Mapping[str, float]]) -> dict[str, float]:
    parts = {part for account in accounts for part in account}
    return {part: median(account.get(part, 0.0) for account in accounts) for part in parts}
