"""A copy of the read model is compared with the topics up to where it stands, whatever goes on beyond."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from auditor.diff import compare
from auditor.observations import Counted, DeadLetter, Fact, History, Log, Progress, Projection, Record, State
from auditor.report import Report
from tests.support.audited_stack import small_stack

SUFFIX = "-next"
COPIED = {"orders", "products", "order-history"}
ORDER = "order-3-0002"  # placed, confirmed, shipped
Facts = list[Fact]


@pytest.fixture
def picture() -> Facts:
    """What the copy holds; the connectors it is a copy of are further."""
    facts: Facts = []
    for fact in small_stack().facts():
        match fact:
            case State(side="read") | History() | Projection() | Counted():
                facts.append(fact)
            case Progress(reader=reader) if reader in COPIED:
                facts.append(fact._replace(reader=reader + SUFFIX))
                facts.append(fact._replace(next=fact.next + 100))
    return facts


@pytest.fixture
def topics() -> list[Log | Record]:
    """What the topics hold, and one record in each partition of `orders` that came since."""
    held = [fact for fact in small_stack().facts() if isinstance(fact, Log | Record) and fact.topic in COPIED]
    ends = [fact for fact in held if isinstance(fact, Log)]
    later = [
        Record("orders", log.partition, log.end, f"order-1:{900 + log.partition}", "later", 1, "{}")
        for log in ends
        if log.topic == "orders"
    ]
    return [
        *(log._replace(end=log.end + 1) for log in ends),
        *(r for r in held if isinstance(r, Record)),
        *later,
    ]


async def compared(picture: Facts, topics: list[Log | Record]) -> Report:
    async def copy_blocks() -> AsyncIterator[Facts]:
        for fact in picture:
            yield [fact]

    async def topic_blocks() -> AsyncIterator[list[Log | Record]]:
        for fact in topics:
            yield [fact]

    return await compare(copy_blocks(), topic_blocks(), suffix=SUFFIX)


async def test_a_true_copy_is_clean_although_the_topics_go_on(
    picture: Facts, topics: list[Log | Record]
) -> None:
    report = await compared(picture, topics)
    assert report.clean, report
    assert report.counts["read orders"] == 6
    assert report.counts["topic orders"] == report.counts["read order_history"] == 13


def _of_the_order(fact: Fact, sort: type[Fact]) -> bool:
    return isinstance(fact, sort) and getattr(fact, "key", "") == ORDER


def _without(sort: type[Fact]) -> Callable[[Facts], Facts]:
    return lambda facts: [fact for fact in facts if not _of_the_order(fact, sort)]


def _changed(sort: type[Fact], **fields: Any) -> Callable[[Facts], Facts]:
    return lambda facts: [fact._replace(**fields) if _of_the_order(fact, sort) else fact for fact in facts]


def _and(*more: Fact) -> Callable[[Facts], Facts]:
    return lambda facts: [*facts, *more]


PLANTED: dict[str, tuple[Callable[[Facts], Facts], set[str]]] = {
    "a row is missing": (_without(State), {"read-missing", "offset-lost", "projection-different"}),
    "a row is from nowhere": (_and(State("read", "read", "orders", "x", 1, "{}")), {"read-extra"}),
    "a row is older": (_changed(State, version=1), {"read-older", "offset-lost"}),
    "a row is ahead of its offset": (_changed(State, version=9), {"read-newer"}),
    "a row says something else": (_changed(State, body="{}"), {"read-different"}),
    "an order has no history": (_without(History), {"history-missing"}),
    "the history has more": (_and(History("orders", ORDER, 9, "{}")), {"history-extra"}),
    "the history says something else": (_changed(History, body="{}"), {"history-different"}),
    "a sum is wrong": (_and(Projection("user_summary", "x", "{}")), {"projection-different"}),
    "an offset that the topic does not have": (
        _and(Progress("orders" + SUFFIX, "orders", 7, 1)),
        {"offset-ahead"},
    ),
    "a dead letter of no record": (
        _and(DeadLetter("order-history" + SUFFIX, "orders", 0, 999, "bad")),
        {"dead-letter-unknown"},
    ),
}


@pytest.mark.parametrize("bug", PLANTED)
async def test_a_bug_in_the_copy_is_named(picture: Facts, topics: list[Log | Record], bug: str) -> None:
    plant, names = PLANTED[bug]
    report = await compared(plant(picture), topics)
    assert names <= report.found, report


async def test_connectors_of_one_topic_need_not_be_equally_far(
    picture: Facts, topics: list[Log | Record]
) -> None:
    """The history has not had the last record of the order's partition, the state has."""
    last = max((r for r in topics if isinstance(r, Record) and r.key == ORDER), key=lambda r: r.position)
    behind = [
        fact._replace(next=last.position)
        if isinstance(fact, Progress)
        and (fact.reader, fact.partition) == ("order-history-next", last.partition)
        else fact
        for fact in picture
        if not (isinstance(fact, History) and (fact.key, fact.version) == (last.key, last.version))
    ]
    later = {
        (r.key, r.version)
        for r in topics
        if isinstance(r, Record) and r.partition == last.partition and r.position > last.position
    }
    kept = [f for f in behind if not (isinstance(f, History) and (f.key, f.version) in later)]
    report = await compared(kept, topics)
    assert report.clean, report


async def test_what_the_copy_has_parked_is_not_missed(picture: Facts, topics: list[Log | Record]) -> None:
    parked = [
        DeadLetter(reader + SUFFIX, "orders", record.partition, record.position, "bad")
        for record in topics
        for reader in ("orders", "order-history")
        if isinstance(record, Record) and record.key == ORDER
    ]
    without = _without(History)(_without(State)(picture))
    report = await compared([*without, *parked], topics)
    assert report.found <= {"projection-different"}, report
