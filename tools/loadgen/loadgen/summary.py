"""What a load amounts to: outcomes and latencies, for a person and for machines."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from loadgen.schedule import Sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """Percentiles in milliseconds; of no samples, none."""

    samples: int
    p50: float
    p95: float
    p99: float
    highest: float

    @classmethod
    def of(cls, seconds: Sequence[float]) -> "Latency | None":
        """Percentiles of samples in seconds; None of no samples."""
        ordered = sorted(seconds)
        if not ordered:
            return None

        def at(share: float) -> float:
            return round(1000 * ordered[ceil(share * len(ordered)) - 1], 2)

        return cls(samples=len(ordered), p50=at(0.5), p95=at(0.95), p99=at(0.99), highest=at(1.0))

    def __str__(self) -> str:
        """One line, in milliseconds."""
        return f"p50 {self.p50:8.1f}   p95 {self.p95:8.1f}   p99 {self.p99:8.1f}   max {self.highest:8.1f} ms"

    def as_json(self) -> dict[str, Any]:
        """The fields by their names."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """`visible` counts from the order's `placed_at`, which its service stamps before the commit."""

    orders: int
    outcomes: Mapping[str, int]
    reasons: Mapping[str, int]
    seconds: float
    not_visible: int
    answer: Latency | None
    visible: Latency | None
    sent_late: Latency | None

    @classmethod
    def of(cls, sent: Sequence[Sent], *, seen: Mapping[str, float], seconds: float) -> "Summary":
        """Sum up what was sent in `seconds`; `seen` says when each order was visible, in seconds since 1970."""
        accepted = [order for order in sent if order.outcome == "ok"]
        visible = [
            seen[order.order_id] - order.placed_at
            for order in accepted
            if order.order_id is not None and order.placed_at is not None and order.order_id in seen
        ]
        return cls(
            orders=len(sent),
            outcomes={"ok": 0, "failed": 0, "unknown": 0} | Counter(order.outcome for order in sent),
            reasons=Counter(order.reason for order in sent if order.reason),
            seconds=round(seconds, 3),
            not_visible=len(accepted) - len(visible),
            answer=Latency.of([order.answer_s for order in accepted]),
            visible=Latency.of(visible),
            sent_late=Latency.of([order.late_s for order in sent]),
        )

    @property
    def good(self) -> bool:
        """Every order was accepted and became visible."""
        return self.orders > 0 and self.outcomes["ok"] == self.orders and not self.not_visible

    def __str__(self) -> str:
        """A few lines for a person."""
        counts = f"{self.outcomes['ok']} accepted, {self.outcomes['failed']} failed, {self.outcomes['unknown']} unknown"
        pace = (
            f"{self.orders} orders in {self.seconds:.1f} s ({self.orders / max(self.seconds, 0.001):.0f}/s)"
        )
        lines = [
            f"{pace}: {counts}, {self.not_visible} accepted but not visible",
            *(f"    {count} times {reason}" for reason, count in self.reasons.items()),
            f"commit → visible   {self.visible or 'nothing to measure'}",
            f"order → answer     {self.answer or 'nothing to measure'}   (from the time it was due)",
            f"sent too late      {self.sent_late or 'nothing to measure'}   (this generator's own delay)",
        ]
        return "\n".join(lines)

    def as_json(self) -> dict[str, Any]:
        """For machines; latencies in milliseconds."""
        latencies = {"answer_ms": self.answer, "visible_ms": self.visible, "sent_late_ms": self.sent_late}
        return {
            "orders": self.orders,
            **self.outcomes,
            "not_visible": self.not_visible,
            "reasons": dict(self.reasons),
            "seconds": self.seconds,
            **{name: latency.as_json() if latency else None for name, latency in latencies.items()},
        }
