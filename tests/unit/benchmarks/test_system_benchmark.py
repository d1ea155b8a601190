"""The ladder of rates: each is tried until one is not kept."""

from typing import Any

import pytest

from benchmarks.sync.measure import climbed, kept

GOOD: dict[str, Any] = {
    "orders": 6_000, "ok": 6_000, "not_visible": 0, "seconds": 60.0, "visible_ms": {"p99": 120.0},
}  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [{"ok": 5_999}, {"not_visible": 1}, {"seconds": 70.0}, {"visible_ms": {"p99": 500.1}}],
    ids=["one failed", "one not visible", "sent too slowly", "visible too late"],
)
def test_a_rate_is_kept_when_nothing_was_late_or_lost(wrong: dict[str, Any]) -> None:
    assert kept(GOOD, 100)
    assert not kept(GOOD | wrong, 100)


def test_rates_are_tried_up_to_the_first_that_is_not_kept() -> None:
    tried: list[int] = []

    def load(rate: int) -> dict[str, Any]:
        tried.append(rate)
        return GOOD | {"visible_ms": {"p99": 5.0 * rate}}

    found = climbed(load, (50, 90, 101, 200))
    assert tried == [50, 90, 101] == list(found)
