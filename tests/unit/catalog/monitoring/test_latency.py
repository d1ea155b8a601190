from hypothesis import given
from hypothesis import strategies as st

from catalog_service.changefeed.change import Change
from catalog_service.monitoring.latency import (
    LatencyBreakdown,
    LatencyStatistics,
    Percentiles,
    latency_breakdown,
)

TIME = st.integers(0, 10**6)


def moved(*, committed_ms: int, relayed_ms: int, seen_ms: int) -> Change:
    return Change(
        partition=("orders", 0),
        offset=0,
        key="order-1-1",
        version=1,
        kind="order.placed.v1",
        user_id=None,
        body=b"{}",
        committed_ms=committed_ms,
        relayed_ms=relayed_ms,
        seen_ms=seen_ms,
    )


@given(TIME, TIME, TIME, st.none() | TIME, TIME)
def test_no_leg_is_negative_and_the_legs_add_up_however_the_clocks_differ(
    committed: int, relayed: int, seen: int, taken: int | None, visible: int
) -> None:
    change = moved(committed_ms=committed, relayed_ms=relayed, seen_ms=seen)
    made = latency_breakdown(change, taken_ms=taken, visible_ms=visible)
    legs = [made.relay, made.kafka, made.take or 0, made.apply]
    assert min(legs) >= 0
    assert sum(legs) == made.total


def test_the_percentiles_are_those_of_the_last_changes() -> None:
    statistics = LatencyStatistics()
    for time in range(1, 101):
        statistics.add(LatencyBreakdown(relay=time, kafka=0, take=None, apply=0, total=time), visible_ms=time)
    figures = statistics.figures(now_ms=100)
    assert figures["total"] == Percentiles(count=100, p50=51, p95=96, p99=100)
    assert figures["take"] is None


def test_what_is_older_than_the_horizon_no_longer_counts() -> None:
    statistics = LatencyStatistics(horizon_ms=1_000)
    statistics.add(LatencyBreakdown(relay=9, kafka=0, take=0, apply=0, total=9), visible_ms=0)
    statistics.add(LatencyBreakdown(relay=1, kafka=0, take=0, apply=0, total=1), visible_ms=900)
    total = statistics.figures(now_ms=1_500)["total"]
    assert total is not None
    assert (total.count, total.p99) == (1, 1)
