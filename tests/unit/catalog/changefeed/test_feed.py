import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from catalog_service import telemetry
from catalog_service.changefeed.change import Change
from catalog_service.changefeed.feed import Feed, Published
from catalog_service.changefeed.position import Position
from catalog_service.monitoring.latency import LEGS, LatencyBreakdown
from catalog_service.monitoring.metrics import Metrics
from tests.support.spans import REQUEST, exemplars, openmetrics, recording

P0, P1 = ("orders", 0), ("orders", 1)


def change(
    offset: int,
    *,
    partition: tuple[str, int] = P0,
    committed_ms: int = 1_000,
    seen_ms: int = 1_010,
    body: bytes = b"{}",
) -> Change:
    return Change(
        partition=partition,
        offset=offset,
        key=f"order-{partition[1]}-{offset}",
        version=1,
        kind="order.placed.v1",
        user_id="ada",
        body=body,
        committed_ms=committed_ms,
        relayed_ms=committed_ms + 2,
        seen_ms=seen_ms,
    )


class Reader:
    """Remembers what a feed told it."""

    def __init__(self, feed: Feed) -> None:
        self.heard: list[Published] = []
        feed.subscribe(self.heard.append)

    @property
    def offsets(self) -> list[tuple[int, int]]:
        return [(each.change.partition[1], each.change.offset) for each in self.heard]


def started(
    *,
    memory: int = 100,
    visible: Callable[[LatencyBreakdown, str], None] = lambda _made, _trace: None,
) -> Feed:
    feed = Feed(memory=memory, visible=visible)
    for partition in (P0, P1):
        feed.begin(partition, first=0, end=0)
    return feed


def test_a_change_in_kafka_is_not_told_before_the_sink_has_committed_it() -> None:
    feed = started()
    reader = Reader(feed)
    feed.seen(change(0))
    assert reader.offsets == []
    feed.applied({P0: 1}, taken_ms=None, visible_ms=1_020)
    assert reader.offsets == [(0, 0)]


def test_a_commit_heard_of_before_its_record_is_told_when_the_record_is_read() -> None:
    feed = started()
    reader = Reader(feed)
    feed.applied({P0: 2}, taken_ms=None, visible_ms=1_020)
    feed.seen(change(0))
    feed.seen(change(1))
    feed.seen(change(2))
    assert reader.offsets == [(0, 0), (0, 1)]


@pytest.mark.guarantees("G-STREAM-2")
def test_a_version_that_the_relay_sent_again_is_told_once_and_never_after_a_newer_one() -> None:
    feed = started()
    reader = Reader(feed)
    for offset, version in enumerate((1, 1, 2, 1, 2, 3)):
        feed.seen(replace(change(offset), key="order-1-1", version=version))
    feed.seen(replace(change(6), key="order-1-2", version=1))
    feed.applied({P0: 7}, taken_ms=None, visible_ms=1_020)
    assert [(each.change.key, each.change.version) for each in reader.heard] == [
        ("order-1-1", 1),
        ("order-1-1", 2),
        ("order-1-1", 3),
        ("order-1-2", 1),
    ]


def test_a_notification_heard_twice_tells_nothing_twice() -> None:
    feed = started()
    reader = Reader(feed)
    feed.seen(change(0))
    feed.applied({P0: 1}, taken_ms=None, visible_ms=1_020)
    feed.applied({P0: 1}, taken_ms=None, visible_ms=1_030)
    feed.applied({P0: 0}, taken_ms=None, visible_ms=1_040)
    assert reader.offsets == [(0, 0)]


def test_partitions_do_not_wait_for_each_other() -> None:
    feed = started()
    reader = Reader(feed)
    feed.seen(change(0))
    feed.seen(change(0, partition=P1))
    feed.applied({P1: 1}, taken_ms=None, visible_ms=1_020)
    assert reader.offsets == [(1, 0)]


def test_the_legs_of_a_change_add_up_to_the_whole_way() -> None:
    feed = started()
    reader = Reader(feed)
    feed.seen(change(0, committed_ms=1_000, seen_ms=1_010))
    feed.applied({P0: 1}, taken_ms=1_012, visible_ms=1_020)
    journey = json.loads(reader.heard[0].data)["journey"]
    assert journey == {"relay": 2, "kafka": 8, "take": 2, "apply": 8, "total": 20}


def test_a_change_read_later_than_the_sink_committed_it_is_measured_by_the_commit() -> None:
    feed = started()
    reader = Reader(feed)
    feed.applied({P0: 1}, taken_ms=None, visible_ms=1_020)
    feed.applied({P0: 2}, taken_ms=None, visible_ms=5_000)
    feed.seen(change(0, committed_ms=1_000, seen_ms=9_000))
    assert json.loads(reader.heard[0].data)["journey"]["total"] == 20


def test_what_was_there_before_the_start_has_no_journey() -> None:
    feed = Feed()
    feed.begin(P0, first=0, end=1)
    reader = Reader(feed)
    feed.applied({P0: 2}, taken_ms=None, visible_ms=1_020)
    feed.seen(change(0))
    feed.seen(change(1))
    assert [json.loads(each.data)["journey"] is None for each in reader.heard] == [True, False]
    assert feed.published == 1


def test_the_oldest_change_that_waits_says_how_far_the_picture_is_behind() -> None:
    feed = started()
    assert feed.oldest_pending_ms() is None
    feed.seen(change(0, committed_ms=2_000))
    feed.seen(change(0, partition=P1, committed_ms=1_500))
    assert feed.oldest_pending_ms() == 1_500
    feed.applied({P1: 1}, taken_ms=None, visible_ms=3_000)
    assert feed.oldest_pending_ms() == 2_000


def test_the_reader_is_asked_to_pause_while_too_much_waits_for_the_sink() -> None:
    feed = started()
    for offset in range(5_000):
        feed.seen(change(offset))
    assert not feed.wants(P0)
    assert feed.wants(P1)
    feed.applied({P0: 5_000}, taken_ms=None, visible_ms=1_020)
    assert feed.wants(P0)


def test_a_stream_resumes_with_exactly_what_came_after_its_position() -> None:
    feed = started()
    feed.applied({P0: 3, P1: 1}, taken_ms=None, visible_ms=1_020)
    for offset in range(3):
        feed.seen(change(offset))
    feed.seen(change(0, partition=P1))
    missed = feed.since(Position({P0: 2, P1: 0}))
    assert missed is not None
    assert [(each.change.partition[1], each.change.offset) for each in missed] == [(0, 2), (1, 0)]


def test_a_position_older_than_the_memory_is_refused_rather_than_answered_with_a_gap() -> None:
    feed = started(memory=2)
    feed.applied({P0: 3}, taken_ms=None, visible_ms=1_020)
    for offset in range(3):
        feed.seen(change(offset))
    assert feed.since(Position({P0: 0, P1: 0})) is None
    missed = feed.since(Position({P0: 1, P1: 0}))
    assert missed is not None
    assert [each.change.offset for each in missed] == [1, 2]


def test_a_position_before_the_first_record_read_is_refused() -> None:
    feed = Feed()
    feed.begin(P0, first=50, end=60)
    assert feed.since(Position({P0: 49})) is None
    assert feed.since(Position({P0: 50})) == []


def test_few_large_changes_fill_the_memory_as_many_small_ones_do() -> None:
    feed = started(memory=1_000)
    large = b'"' + b"x" * (20 << 20) + b'"'
    for offset in range(4):
        feed.seen(change(offset, body=large))
    assert not feed.wants(P0), "8 MiB may wait for the sink"
    feed.applied({P0: 4}, taken_ms=None, visible_ms=1_020)
    assert feed.wants(P0)
    assert feed.since(Position({P0: 0, P1: 0})) is None
    kept = feed.since(Position({P0: 1, P1: 0}))
    assert kept is not None
    assert [each.change.offset for each in kept] == [1, 2, 3]


def test_a_product_that_names_another_instance_is_passed_over_and_counted() -> None:
    counted: list[tuple[str, str]] = []
    feed = Feed(unreadable=lambda topic, reason: counted.append((topic, reason)))
    products = ("products", 0)
    feed.begin(products, first=0, end=0)
    feed.know_instances({"tea": "order-1"})
    reader = Reader(feed)
    for offset, instance in enumerate(["order-1", "order-9", "order-1"]):
        feed.seen(replace(change(offset, partition=products), product=("tea", instance)))
    feed.applied({products: 3}, taken_ms=None, visible_ms=1_020)
    assert reader.offsets == [(0, 0), (0, 2)]
    assert counted == [("products", "foreign_instance")]


def test_a_traced_change_tells_its_way_until_it_was_visible_and_its_first_event() -> None:
    feed = started()
    heard = Reader(feed).heard
    with recording(telemetry) as recorded:
        feed.seen(replace(change(0), trace=REQUEST))
        feed.seen(change(1))
        feed.applied({P0: 2}, taken_ms=1_012, visible_ms=1_020)
        for published in (*heard, *heard):
            published.sent()
    visible = recorded.named("visible orders")
    assert recorded.tree() == {("visible orders", REQUEST[36:52]), ("event orders", REQUEST[36:52])}
    assert (visible.start_time, visible.end_time) == (1_000_000_000, 1_020_000_000)
    legs = {name: value for name, value in (visible.attributes or {}).items() if name.startswith("sync.")}
    assert legs == {
        "sync.relay_seconds": 0.002,
        "sync.kafka_seconds": 0.008,
        "sync.take_seconds": 0.002,
        "sync.apply_seconds": 0.008,
        "sync.total_seconds": 0.020,
    }
    assert len(recorded.spans) == 2, "the second stream's event is no news"


@pytest.mark.parametrize("committed_ms", [-1, -62_135_596_800_000, 253_402_300_799_999, 2_000])
def test_a_record_s_own_times_make_no_span_that_cannot_be_exported(committed_ms: int) -> None:
    feed = started()
    with recording(telemetry) as recorded:
        feed.seen(replace(change(0, committed_ms=committed_ms), trace=REQUEST))
        feed.applied({P0: 1}, taken_ms=1_012, visible_ms=1_020)
    visible = recorded.named("visible orders")
    assert visible.start_time is not None
    assert 0 <= visible.start_time <= 1_020_000_000
    assert visible.end_time == 1_020_000_000


def test_a_traced_change_is_the_exemplar_of_each_leg_that_it_took() -> None:
    metrics = Metrics()
    feed = started(visible=metrics.visible)
    with recording(telemetry):
        feed.seen(change(0))
        feed.applied({P0: 1}, taken_ms=1_012, visible_ms=1_020)
        assert exemplars(openmetrics(metrics.registry), "catalog_leg_seconds") == set()
        feed.seen(replace(change(1), trace=REQUEST))
        feed.applied({P0: 2}, taken_ms=1_012, visible_ms=1_020)
    for leg in LEGS:
        told = exemplars(openmetrics(metrics.registry), "catalog_leg_seconds", leg=leg)
        assert told == {REQUEST[3:35]}
