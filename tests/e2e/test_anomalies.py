"""`./demo anomaly`: anybody sees a wrong design caught beside the right one, and the stack is as it was."""

from demo.anomalies.scenarios import ANOMALIES
from tests.support.stack import RunningStack


def test_every_wrong_design_is_shown_caught_and_every_right_one_clean(stack: RunningStack) -> None:
    shown = stack.demo("anomaly", "all")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert shown.stdout.count(" caught ") >= len(ANOMALIES)
    assert shown.stdout.count(" clean ") == len(ANOMALIES)
    pictures = {file.name for file in (stack.home / "anomalies").iterdir()}
    wanted = {f"{anomaly.name}-{check}.svg" for anomaly in ANOMALIES for check in anomaly.found}
    assert pictures == wanted


def test_without_a_name_they_are_listed(stack: RunningStack) -> None:
    listed = stack.demo("anomaly").stdout
    assert [line.split()[0] for line in listed.splitlines()] == [anomaly.name for anomaly in ANOMALIES]


def test_one_that_there_is_not_is_refused_with_those_there_are(stack: RunningStack) -> None:
    refused = stack.demo("anomaly", "two-phase")
    assert refused.returncode == 2
    assert "dual-write" in refused.stderr
