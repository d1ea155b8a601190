"""What an option of `./demo up` costs, out of the accounts of stacks without and with it."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any

KEPT_S = 20
LATENCIES = ("p50", "p99")
THROUGHPUT = {
    "orders": f"highest rate kept for {KEPT_S} s with p99 below 500 ms, orders a second",
    "records": "records that the sink writes a second while `./demo rebuild` reads all of them again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """`name` is that of its results, `beside` are parts that are another machine's where it matters: told of apart."""

    name: str
    title: str
    options: tuple[str, ...]
    means: str
    beside: tuple[str, ...]
    goal_percent: float | None = None
    rates: tuple[int, ...] = ()
    """Orders a second that are tried one after the other, to find the highest that is kept; none, and that is left out."""

    def compared(self, figures: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
        """Milliseconds of processor time per order by part, without the option and with it: medians, the largest first."""
        off, on = (
            _medians([account["per_order"][0]["processor_ms"] for account in figures[turn]])
            for turn in ("off", "on")
        )
        parts = sorted(off.keys() | on.keys(), key=lambda part: -on.get(part, 0.0))
        return {part: (off.get(part, 0.0), on.get(part, 0.0)) for part in parts}

    def more_percent(self, parts: Mapping[str, tuple[float, float]]) -> float:
        """How much more the stack's own parts use with the option."""
        off, on = self._sums(parts)
        return 100 * (on - off) / off

    def described(self, figures: Mapping[str, Any]) -> str:
        """The comparison as a page of Markdown."""
        parts, machine = self.compared(figures), figures["machine"]
        own = {part: each for part, each in parts.items() if part not in self.beside}
        rows = [*own.items(), ("all", self._sums(parts))]
        apart = ", ".join(f"{part} {parts[part][1]:.2f} ms" for part in self.beside if part in parts)
        conditions = (
            f"{machine['cores']} cores, load average {machine['load_before']:.1f} before; {figures['rate']} orders/s for "
            f"{figures['seconds']} s, runs of each: {len(figures['off'])} (medians), in turns. Off: `./demo up`; on: `./demo up "
            f"{' '.join(self.options)}`, {self.means}. The load generator is not counted."
        )
        table = "\n".join(
            (
                "| processor time per order | off, ms | on, ms | more |",
                "|---|---|---|---|",
                *(f"| {part} | {off:.2f} | {on:.2f} | {on - off:+.2f} |" for part, (off, on) in rows),
                *(
                    f"| commit → visible, {name} | {off:.0f} | {on:.0f} | {on - off:+.0f} |"
                    for name, (off, on) in _latencies(figures).items()
                ),
            )
        )
        for name, (off, on) in throughput(figures).items():
            table += f"\n| {name} | {off:,.0f} | {on:,.0f} | {on - off:+,.0f} |"
        verdict = f"Together {self._verdict(parts)} Beside them, per order: {apart or 'nothing'}."
        return f"# {self.title}, {figures['day']}\n\n{conditions}\n\n{table}\n\n{verdict}\n"

    def _verdict(self, parts: Mapping[str, tuple[float, float]]) -> str:
        more = self.more_percent(parts)
        if self.goal_percent is None:
            return f"{more:+.1f} %."
        reached = "reached" if more <= self.goal_percent else "missed"
        return f"{more:+.1f} %; the goal is at most {self.goal_percent:.0f} %, which is {reached}."

    def _sums(self, parts: Mapping[str, tuple[float, float]]) -> tuple[float, float]:
        own = [each for part, each in parts.items() if part not in self.beside]
        return sum(off for off, _ in own), sum(on for _, on in own)


TRACES = Comparison(
    name="traces",
    title="What traces cost",
    options=("--observe",),
    means="every order recorded and sent, metrics read every five seconds",
    beside=("zipkin", "prometheus"),
    goal_percent=10.0,
)
SECURITY = Comparison(
    name="security",
    title="What security costs",
    options=("--secure",),
    means="TLS on every connection, log-ins at the brokers, a token with every request",
    beside=("issuer",),
    rates=(10, 25, 50, 75, 100, 125, 150, 175, 200),
)


def _medians(accounts: list[Mapping[str, float]]) -> dict[str, float]:
    parts = {part for account in accounts for part in account}
    return {part: median(account.get(part, 0.0) for account in accounts) for part in parts}


def _latencies(figures: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    return {
        name: (
            median(account["loads"][0]["visible_ms"][name] for account in figures["off"]),
            median(account["loads"][0]["visible_ms"][name] for account in figures["on"]),
        )
        for name in LATENCIES
    }


def throughput(figures: Mapping[str, Any]) -> dict[str, tuple[float, float]]:
    """What stacks take a second by what it is, without the option and with it: medians; nothing where it was not measured."""
    off, on = figures["off"], figures["on"]
    if not all("throughput" in account for account in (*off, *on)):
        return {}
    return {
        told: (
            median(account["throughput"][name] for account in off),
            median(account["throughput"][name] for account in on),
        )
        for name, told in THROUGHPUT.items()
    }
