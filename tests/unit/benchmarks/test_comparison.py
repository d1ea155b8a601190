"""What traces and security cost, out of accounts without and with them; which stacks are measured for it."""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from benchmarks.sync import cost
from benchmarks.sync.comparison import SECURITY, TRACES, Comparison


def account(**processor_ms: float) -> dict[str, Any]:
    return {
        "per_order": [{"processor_ms": processor_ms}],
        "loads": [{"visible_ms": {"p50": 20.0, "p99": 90.4}}],
    }


FIGURES = {
    "day": "2026-11-29",
    "machine": {"cores": 2, "load_before": 0.1},
    "rate": 100,
    "seconds": 60,
    "off": [account(brokers=4, sink=1), account(brokers=6, sink=1), account(brokers=5, sink=4)],
    "on": [account(brokers=5, sink=1.3, zipkin=9)] * 3,
}


def test_each_part_is_the_median_of_its_runs_and_what_keeps_the_traces_is_no_part_of_the_cost() -> None:
    parts = TRACES.compared(FIGURES)
    assert parts == {"zipkin": (0, 9), "brokers": (5, 5), "sink": (1, pytest.approx(1.3))}
    assert TRACES.more_percent(parts) == pytest.approx(5)


def test_the_page_has_every_part_the_sum_and_whether_the_goal_is_reached() -> None:
    page = TRACES.described(FIGURES)
    assert "| sink | 1.00 | 1.30 | +0.30 |" in page
    assert "| all | 6.00 | 6.30 | +0.30 |" in page
    assert "| commit → visible, p99 | 90 | 90 | +0 |" in page
    assert (
        "Together +5.0 %; the goal is at most 10 %, which is reached. Beside them, per order: zipkin 9.00 ms."
        in page
    )
    dear = FIGURES | {"on": [account(brokers=9, sink=1)]}
    assert "+66.7 %; the goal is at most 10 %, which is missed" in TRACES.described(dear)


def test_without_a_goal_the_page_says_how_much_it_is() -> None:
    assert "Together +5.0 %. Beside them, per order: nothing." in SECURITY.described(
        FIGURES | {"on": [account(brokers=5, sink=1.3)]}
    )


def test_what_the_stacks_take_a_second_is_told_where_it_was_measured() -> None:
    turns = {
        turn: [account(brokers=1) | {"throughput": {"orders": orders, "records": 9_000.4}}]
        for turn, orders in (("off", 100), ("on", 75))
    }
    told = SECURITY.described(FIGURES | turns)
    assert "p99 below 500 ms, orders a second | 100 | 75 | -25 |" in told
    assert "| 9,000 | 9,000 | +0 |" in told
    assert "orders a second |" not in SECURITY.described(FIGURES)


@pytest.mark.parametrize(("comparison", "up"), [(TRACES, "up --observe"), (SECURITY, "up --secure")])
def test_stacks_without_and_with_it_take_turns_and_each_is_its_own(
    monkeypatch: pytest.MonkeyPatch, comparison: Comparison, up: str
) -> None:
    done: list[str] = []

    class Demo:
        def run(self, *words: str) -> None:
            done.append(" ".join(words))

    @contextmanager
    def stack(_checkout: Path, _environment: dict[str, str]) -> Iterator[Demo]:
        yield Demo()
        done.append("down")

    async def measured(_demo: Demo, args: argparse.Namespace) -> dict[str, Any]:
        done.append(f"measured {args.runs}")
        return account(brokers=1)

    def throughput(_demo: Demo, rates: tuple[int, ...]) -> dict[str, float]:
        done.append(f"from {rates[0]} orders/s")
        return {"orders": 50, "records": 1}

    monkeypatch.setattr(cost, "stack", stack)
    monkeypatch.setattr(cost, "measured", measured)
    monkeypatch.setattr(cost, "throughput", throughput)
    figures = cost.in_turns(argparse.Namespace(runs=2, rate=10, seconds=5, checkout=Path()), comparison)
    rates = ["from 10 orders/s"] if comparison is SECURITY else []
    assert done == ["up", "measured 1", *rates, "down", up, "measured 1", *rates, "down"] * 2
    assert [len(figures[turn]) for turn in ("off", "on")] == [2, 2]
