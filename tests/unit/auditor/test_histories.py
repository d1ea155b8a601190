"""The checks of a history are trusted because each planted bug is found by the right one, and none is found without."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from auditor.history.checks import CHECKS, examine_history
from auditor.history.linearizability import UndecidedError, not_linearizable
from auditor.history.models import OrderState, order_step
from auditor.history.operation import Action, Operation, Outcome, Seen, read_history, write_history
from auditor.history.picture import picture
from auditor.history.violation import Violation
from tests.support.simulated_shop import SimulatedShop

History = list[Operation]


@given(seed=st.integers(0, 2**32))
@example(seed=262592017)  # a client asks for a product within 0.1 s
@settings(max_examples=15, deadline=None)
def test_nothing_is_found_in_a_history_that_keeps_every_promise(seed: int) -> None:
    history = SimulatedShop(seed).run()
    assert len(history) > 150
    assert examine_history(history) == ()


def test_a_history_reads_as_it_was_written(tmp_path: Path) -> None:
    history = SimulatedShop(1).run()
    write_history(tmp_path / "history", history)
    assert read_history(tmp_path / "history") == tuple(history)


@dataclass
class Planted:
    """A history in which a bug was planted; `changed` puts another operation in the place of one."""

    history: History

    def changed(self, operation: Operation, **what: object) -> History:
        other = msgspec.structs.replace(operation, **what)
        return [other if o.number == operation.number else o for o in self.history]

    def without(self, operation: Operation) -> History:
        return [o for o in self.history if o.number != operation.number]

    def with_more(self, operation: Operation, **what: object) -> History:
        number = len(self.history)
        return [*self.history, msgspec.structs.replace(operation, number=number, **what)]

    def find(self, action: Action, *, when: Callable[[Operation], bool] = lambda _: True) -> Operation:
        return next(o for o in self.history if o.action is action and o.outcome is Outcome.OK and when(o))

    def last(self, aggregate: str) -> Operation:
        return next(o for o in self.history if o.action is Action.FINAL and o.aggregate == aggregate)


def _version(operation: Operation) -> int:
    assert operation.seen is not None
    return operation.seen.version


def a_cancellation_that_was_acknowledged_has_no_effect(shop: Planted) -> History:
    cancelled = shop.find(Action.CANCEL)
    assert cancelled.completed is not None
    before = Seen(version=_version(cancelled) - 1, status="CONFIRMED")
    at = cancelled.completed + 0.001
    return shop.with_more(
        cancelled, action=Action.READ, invoked=at, completed=at + 0.01, seen=before, key=None
    )


def two_commands_get_the_same_version(shop: Planted) -> History:
    restocked = shop.find(Action.RESTOCK)
    assert restocked.completed is not None
    at = restocked.completed
    return shop.with_more(restocked, invoked=at, completed=at + 0.001, key="another")


def an_instance_that_lost_its_disk_knows_nothing_of_an_order(shop: Planted) -> History:
    placed = shop.find(Action.PLACE)
    assert placed.completed is not None
    gone = {"outcome": Outcome.REFUSED, "reason": "unknown-order", "seen": None, "key": None}
    return shop.with_more(
        placed, action=Action.READ, invoked=placed.completed + 1, completed=placed.completed + 2, **gone
    )


def a_refusal_without_a_cause(shop: Planted) -> History:
    cancelled = shop.find(Action.CANCEL)
    return shop.changed(cancelled, outcome=Outcome.REFUSED, reason="illegal-transition", seen=None)


def a_token_is_ignored(shop: Planted) -> History:
    query = shop.find(Action.QUERY, when=lambda o: o.at_least is not None)
    return shop.changed(query, at_least=_version(query) + 1)


def a_token_gets_no_such_order(shop: Planted) -> History:
    query = shop.find(Action.QUERY, when=lambda o: o.at_least is not None)
    return shop.changed(query, outcome=Outcome.REFUSED, reason="unknown-order", seen=None)


def a_query_goes_back(shop: Planted) -> History:
    query = shop.find(Action.QUERY, when=lambda o: _version(o) > 1)
    assert query.completed is not None
    old = Seen(version=1, status="PENDING")
    return shop.with_more(
        query, invoked=query.completed + 0.001, completed=query.completed + 0.01, seen=old, at_least=None
    )


def a_query_lacks_what_the_stream_has_told(shop: Planted) -> History:
    told = shop.find(Action.TOLD, when=lambda o: o.is_order and o.seen is not None and o.seen.version > 1)
    later = {"invoked": told.invoked + 0.001, "completed": told.invoked + 0.002}
    return shop.with_more(told, process="client-0", action=Action.QUERY, **later, seen=Seen(version=1, status="PENDING"))  # fmt: skip


def the_read_model_shows_another_state_of_a_version(shop: Planted) -> History:
    final = shop.find(Action.FINAL, when=lambda o: o.is_order)
    return shop.changed(final, seen=Seen(version=_version(final), status="LOST"))


def the_stream_leaves_out_an_event(shop: Planted) -> History:
    return shop.without(
        shop.find(Action.TOLD, when=lambda o: 1 < _version(o) < _version(shop.last(o.aggregate)))
    )


def the_stream_leaves_out_the_last_event(shop: Planted) -> History:
    return shop.without(
        shop.find(Action.TOLD, when=lambda o: _version(o) == _version(shop.last(o.aggregate)))
    )


def the_stream_tells_an_event_twice(shop: Planted) -> History:
    return shop.with_more(shop.find(Action.TOLD))


def the_stream_tells_what_was_rolled_back(shop: Planted) -> History:
    told = shop.find(
        Action.TOLD, when=lambda o: o.is_order and _version(o) == _version(shop.last(o.aggregate))
    )
    return shop.with_more(
        told, invoked=told.invoked + 100, seen=Seen(version=_version(told) + 1, status="CANCELLED")
    )


def the_stream_tells_an_order_that_nobody_placed(shop: Planted) -> History:
    return shop.with_more(shop.find(Action.TOLD), aggregate="orders:ghost", key="nobody")


def a_retry_makes_a_second_order(shop: Planted) -> History:
    placed = shop.find(Action.PLACE)
    return shop.with_more(
        shop.last(placed.aggregate), aggregate="orders:twin", seen=Seen(version=1, status="PENDING")
    )


def a_repetition_gets_another_answer(shop: Planted) -> History:
    placed = shop.find(Action.PLACE)
    assert placed.completed is not None
    at = placed.completed + 0.1
    return shop.with_more(placed, invoked=at, completed=at + 0.1, seen=Seen(version=2, status="CONFIRMED"))


def an_acknowledged_order_is_lost(shop: Planted) -> History:
    placed = shop.find(Action.PLACE)
    kept = [
        o for o in shop.history if o.action in (Action.PLACE, Action.QUERY) or o.aggregate != placed.aggregate
    ]
    assert len(kept) < len(shop.history)
    return kept


def a_refused_order_is_there(shop: Planted) -> History:
    placed = shop.find(Action.PLACE)
    return shop.changed(placed, outcome=Outcome.REFUSED, reason="queue-full", seen=None, aggregate="")


def stock_is_decided_on_a_replica(shop: Planted) -> History:
    """Two orders take the same last goods: both are confirmed."""
    sold = shop.find(Action.PLACE)
    confirmed = Seen(version=2, status="CONFIRMED")
    history = shop.history
    for number in range(12):
        name = {"aggregate": f"orders:late-{number}", "key": f"late-{number}", "lines": (("tea", 3),)}
        base = msgspec.structs.replace(sold, **name, seen=Seen(version=1, status="PENDING"))
        history = Planted(history).with_more(base)
        history = Planted(history).with_more(base, action=Action.READ, key=None, seen=confirmed, invoked=sold.invoked + 50, completed=sold.invoked + 51)  # fmt: skip
    return history


PLANTED: dict[Callable[[Planted], History], str] = {
    a_cancellation_that_was_acknowledged_has_no_effect: "linearizable",
    two_commands_get_the_same_version: "linearizable",
    an_instance_that_lost_its_disk_knows_nothing_of_an_order: "linearizable",
    a_refusal_without_a_cause: "linearizable",
    a_token_is_ignored: "read-your-writes",
    a_token_gets_no_such_order: "read-your-writes",
    a_query_goes_back: "monotonic-reads",
    a_query_lacks_what_the_stream_has_told: "monotonic-reads",
    the_read_model_shows_another_state_of_a_version: "one-state-per-version",
    the_stream_leaves_out_an_event: "stream",
    the_stream_leaves_out_the_last_event: "stream",
    the_stream_tells_an_event_twice: "stream",
    the_stream_tells_what_was_rolled_back: "stream",
    the_stream_tells_an_order_that_nobody_placed: "stream",
    a_retry_makes_a_second_order: "one-effect-per-key",
    a_repetition_gets_another_answer: "one-effect-per-key",
    an_acknowledged_order_is_lost: "one-effect-per-key",
    a_refused_order_is_there: "one-effect-per-key",
    stock_is_decided_on_a_replica: "stock",
}


def _planted(bug: Callable[[Planted], History], seed: int = 3) -> tuple[History, tuple[Violation, ...]]:
    history = bug(Planted(SimulatedShop(seed, steps=40).run()))
    return history, examine_history(history)


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.__name__)
def test_a_planted_bug_is_found_by_its_check_and_drawn(bug: Callable[[Planted], History]) -> None:
    history, found = _planted(bug)
    assert PLANTED[bug] in {violation.check for violation in found}, found
    violation = next(violation for violation in found if violation.check == PLANTED[bug])
    drawing = ET.fromstring(picture(violation, history))  # noqa: S314  its own
    marked = [
        bar for bar in drawing.iter("{http://www.w3.org/2000/svg}rect") if bar.get("class") == "culprit"
    ]
    assert len(marked) == len({o.number for o in violation.operations})


def test_every_check_has_a_planted_bug() -> None:
    assert set(PLANTED.values()) == {check.name for check in CHECKS}


def _read(number: int, *, invoked: float, completed: float, version: int, status: str) -> Operation:
    seen = Seen(version=version, status=status)
    return Operation(
        number=number, process=f"p{number}", action=Action.READ, invoked=invoked, completed=completed,
        outcome=Outcome.OK, aggregate="orders:a", seen=seen,
    )  # fmt: skip


def _placed() -> Operation:
    return Operation(
        number=0, process="p0", action=Action.PLACE, invoked=0, completed=1, outcome=Outcome.OK,
        aggregate="orders:a", key="k", seen=Seen(version=1, status="PENDING"),
    )  # fmt: skip


def test_what_overlaps_may_have_happened_in_any_order_and_what_does_not_may_not() -> None:
    new = _read(1, invoked=2, completed=5, version=2, status="CONFIRMED")
    overlapping = _read(2, invoked=3, completed=6, version=1, status="PENDING")
    later = _read(2, invoked=5.5, completed=6, version=1, status="PENDING")
    assert not_linearizable([_placed(), new, overlapping], first=OrderState(), step=order_step) is None
    stuck = not_linearizable([_placed(), new, later], first=OrderState(), step=order_step)
    assert stuck is not None
    assert stuck.next == (later,)


def test_a_command_without_an_answer_may_take_effect_at_any_later_time_or_never() -> None:
    lost = Operation(number=1, process="p1", action=Action.CANCEL, invoked=2, aggregate="orders:a", key="c")
    pending = _read(2, invoked=3, completed=4, version=1, status="PENDING")
    cancelled = _read(3, invoked=5, completed=6, version=2, status="CANCELLED")
    for reads in ([pending], [pending, cancelled]):
        assert not_linearizable([_placed(), lost, *reads], first=OrderState(), step=order_step) is None
    too_early = _read(3, invoked=1.1, completed=1.5, version=2, status="CANCELLED")
    assert not_linearizable([_placed(), lost, too_early], first=OrderState(), step=order_step) is not None


def test_a_history_too_wide_to_be_searched_is_undecided_and_not_called_clean() -> None:
    wide = [
        Operation(
            number=n, process=f"p{n}", action=Action.CANCEL, invoked=2, aggregate="orders:a", key=f"{n}"
        )
        for n in range(1, 30)
    ]
    impossible = _read(99, invoked=3, completed=4, version=7, status="SHIPPED")
    steps = {"first": 0, "step": lambda state, o: [state + 1] if o.number != 99 else []}
    with pytest.raises(UndecidedError):
        not_linearizable([*wide, impossible], most_places=1_000, **steps)  # type: ignore[arg-type]


def test_a_stream_that_had_to_begin_anew_may_skip_what_its_snapshot_held() -> None:
    history = SimulatedShop(3).run()
    shop = Planted(history)
    gap = shop.find(Action.TOLD, when=lambda o: 1 < _version(o) < _version(shop.last(o.aggregate)))
    anew = Operation(
        number=len(history), process="listener", action=Action.SNAPSHOT, invoked=gap.invoked, completed=gap.invoked,
        outcome=Outcome.OK,
    )  # fmt: skip
    assert examine_history([*shop.without(gap), anew]) == ()
