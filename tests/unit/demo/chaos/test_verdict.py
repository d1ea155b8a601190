"""What a run is judged by."""

import json
from pathlib import Path

from auditor.history.checks import examine_history
from auditor.history.operation import Action, Operation, Outcome, Seen
from auditor.report import Report
from demo.chaos.schedule import Fault
from demo.chaos.verdict import Verdict, healing, journal

FAULTS = (
    Fault(at_s=10, kind="pause-sink", part="sink", lasts_s=5),
    Fault(at_s=20, kind="kill-instance", part="order-2"),
    Fault(at_s=90, kind="kill-sink", part="sink"),
)


def _placed(number: int, at: float, *, instance: str, outcome: Outcome = Outcome.OK) -> Operation:
    ok = outcome is Outcome.OK
    return Operation(
        number=number, process="customer-1", action=Action.PLACE, invoked=at, completed=at + 0.1, outcome=outcome,
        aggregate=f"orders:{instance}-{number}" if ok else "", key=f"k{number}", lines=(("tea", 1),),
        seen=Seen(version=1, status="PENDING") if ok else None,
    )  # fmt: skip


def _told(number: int, at: float, *, instance: str) -> Operation:
    return Operation(
        number=100 + number, process="listener", action=Action.TOLD, invoked=at, completed=at, outcome=Outcome.OK,
        aggregate=f"orders:{instance}-{number}", key=f"k{number}", seen=Seen(version=1, status="PENDING"),
    )  # fmt: skip


HISTORY = (
    _placed(1, 9, instance="order-1"),
    _placed(2, 12, instance="order-1"),
    _told(1, 15.5, instance="order-1"),
    _told(2, 16, instance="order-1"),
    _placed(3, 21, instance="order-1"),
    _told(3, 21.5, instance="order-1"),
    _placed(4, 21, instance="order-2"),
    _told(4, 23, instance="order-2"),
)


def test_healing_counts_from_a_faults_end_to_an_order_placed_after_its_beginning() -> None:
    assert [seconds for _, seconds in healing(FAULTS, HISTORY)] == [1.0, 3.0, None]


def test_the_auditor_gets_each_key_once_with_the_best_that_is_known_of_it() -> None:
    unknown = _placed(5, 30, instance="order-1", outcome=Outcome.UNKNOWN)
    refused = _placed(6, 30, instance="order-1", outcome=Outcome.REFUSED)
    commands = journal([_placed(1, 9, instance="order-1"), *HISTORY, unknown, refused])
    assert [(c.user_id, c.outcome, c.order_id) for c in commands] == [
        ("k1", "ok", "order-1-1"),
        ("k2", "ok", "order-1-2"),
        ("k3", "ok", "order-1-3"),
        ("k4", "ok", "order-2-4"),
        ("k5", "unknown", None),
        ("k6", "failed", None),
    ]
    assert commands[0].lines == '[["tea",1]]'


def test_one_violation_is_no_clean_run_and_leaves_its_picture(tmp_path: Path) -> None:
    doubled = (*HISTORY, _told(4, 24, instance="order-2"))
    report = Report(counts={}, findings=(), asked=1)
    clean, dirty = (
        Verdict(
            seed=1, seconds=60, schedule=FAULTS, operations=operations, report=report,
            violations=examine_history(operations),
        )
        for operations in (HISTORY, doubled)
    )  # fmt: skip
    assert clean.clean
    assert not dirty.clean
    assert "stream orders:order-2-4" in str(dirty)
    dirty.write(tmp_path / "run")
    assert {path.name for path in (tmp_path / "run").iterdir()} == {
        "history.jsonl",
        "schedule.txt",
        "result.json",
        "violation-01-stream.svg",
    }
    result = json.loads((tmp_path / "run" / "result.json").read_text())
    assert result["faults"]["pause-sink"] == {"struck": 1, "heal_s": [1.0]}
    assert result["clean"] is False
