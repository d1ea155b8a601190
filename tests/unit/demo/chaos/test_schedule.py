"""A seed is a schedule: the same each time, and one that the stack can survive."""

from collections import Counter
from itertools import pairwise

import pytest

from demo.chaos.schedule import BY_NAME, DEFAULT, KINDS, LINK_FAULTS, Fault, draw_schedule

PARTS = ("kafka-1", "kafka-2", "kafka-3", "postgres", "order-1", "order-2", "order-3", "sink", "catalog")


LINKS = ("sink:postgres", "order-1:kafka", "kafka:kafka-2")


def _drawn(
    seed: int, *, seconds: float = 300, kinds: tuple[str, ...] | None = None, links: tuple[str, ...] = ()
) -> tuple[Fault, ...]:
    return draw_schedule(seed=seed, seconds=seconds, parts=PARTS, links=links, kinds=kinds)


def test_the_same_seed_gives_the_same_schedule_and_another_gives_another() -> None:
    assert _drawn(7) == _drawn(7)
    assert _drawn(7) != _drawn(8)


def test_the_order_in_which_parts_are_named_changes_nothing() -> None:
    assert draw_schedule(seed=7, seconds=60, parts=PARTS[::-1]) == draw_schedule(
        seed=7, seconds=60, parts=PARTS
    )


@pytest.mark.parametrize("seed", range(20))
def test_a_part_has_one_fault_at_a_time_and_two_of_three_brokers_at_most(seed: int) -> None:
    faults = _drawn(seed)
    assert list(faults) == sorted(faults, key=lambda fault: fault.at_s)
    for part in PARTS:
        own = [fault for fault in faults if fault.part == part]
        assert all(before.until_s < after.at_s for before, after in pairwise(own))
    for fault in faults:
        at_once = {other.part for other in faults if other.at_s <= fault.at_s <= other.until_s + 10}
        assert len({part for part in at_once if part.startswith("kafka-")}) <= 2
        assert fault.until_s < 300


def test_faults_overlap_and_every_kind_comes_up() -> None:
    faults = [fault for seed in range(10) for fault in _drawn(seed)]
    assert Counter(fault.kind for fault in faults).keys() == set(DEFAULT)
    assert any(
        other.at_s < fault.at_s < other.until_s
        for fault in _drawn(1)
        for other in _drawn(1)
        if other != fault
    )


def test_what_stays_in_the_topics_strikes_only_when_it_is_named() -> None:
    lasting = {kind.name for kind in KINDS if kind.lasting_mark}
    assert lasting == {"poison"}
    assert not lasting & set(DEFAULT)
    assert {fault.kind for fault in _drawn(1, kinds=("poison",))} == {"poison"}


def test_links_are_broken_where_there_are_any_and_the_schedules_of_other_stacks_stay_as_they_were() -> None:
    assert _drawn(5) == _drawn(5, kinds=DEFAULT)
    faults = [fault for seed in range(10) for fault in _drawn(seed, links=LINKS)]
    assert {fault.kind for fault in faults} == {*DEFAULT, *LINK_FAULTS}
    hit = {fault.part for fault in faults if fault.kind in LINK_FAULTS}
    assert hit == set(LINKS)
    assert not hit & {fault.part for fault in faults if fault.kind in DEFAULT}
    with pytest.raises(ValueError, match="--playground"):
        _drawn(1, kinds=("cut-link",))


@pytest.mark.parametrize(("kinds", "parts"), [(("kill-moon",), PARTS), (("kill-broker",), ("sink",))])
def test_a_fault_that_can_hit_nothing_is_refused(kinds: tuple[str, ...], parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"no (fault|part) is called"):
        draw_schedule(seed=1, seconds=60, parts=parts, kinds=kinds)


def test_each_kind_hits_the_parts_that_its_name_says() -> None:
    for fault in _drawn(3, seconds=3_000):
        assert fault.part.startswith(BY_NAME[fault.kind].parts or ("",))
