"""What an order costs, out of what a stack had used before and after."""

from collections.abc import Mapping

import pytest

from benchmarks.sync.account import Usage


def used(*, at: float, asked_at: float, **counted: Mapping[str, float]) -> Usage:
    none: dict[str, Mapping[str, float]] = {"processor_s": {}, "requests": {}, "work": {}}
    return Usage(at=at, asked_at=asked_at, **(none | counted))


def test_what_was_used_before_is_nobodys_cost() -> None:
    before = used(at=10, asked_at=8, processor_s={"sink": 5.0}, work={"commits": 100})
    after = used(at=20, asked_at=25, processor_s={"sink": 6.0}, work={"commits": 150})
    account = after.since(before).per_order(100, at_rest={})
    assert account["processor_ms"] == {"sink": pytest.approx(10.0)}
    assert account["work"] == {"commits": pytest.approx(0.5)}


def test_requests_while_the_counters_were_read_are_no_orders_requests() -> None:
    before = used(at=10, asked_at=5, requests={"Produce": 0, "Fetch": 0})
    after = used(at=20, asked_at=25, requests={"Produce": 50, "Fetch": 200})  # ten of twenty seconds at rest
    account = after.since(before).per_order(100, at_rest={"Fetch": 10.0})
    assert account["requests"] == {"Fetch": pytest.approx(1.0), "Produce": pytest.approx(0.5)}


def test_at_rest_requests_count_by_the_time_between_their_own_readings() -> None:
    before = used(at=10, asked_at=5, processor_s={"brokers": 1.0}, requests={"Fetch": 0})
    after = used(at=20, asked_at=25, processor_s={"brokers": 2.0}, requests={"Fetch": 200})
    account = after.since(before).per_second()
    assert account["requests"] == {"Fetch": pytest.approx(10.0)}
    assert account["processor_percent"] == {"brokers": pytest.approx(10.0)}
