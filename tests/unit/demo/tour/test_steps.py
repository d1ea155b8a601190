"""The tour's steps are scripts that a shell understands, and none leaves the stack half broken."""

import re
import subprocess

import pytest

from demo.tour.steps import Step, steps


def test_there_are_ten_and_each_says_why_and_what_to_notice() -> None:
    assert len(steps()) == 10
    assert all(len(step.why) > 60 and len(step.notice) > 60 and step.expect for step in steps())


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.title)
def test_a_step_is_a_script_and_what_it_expects_are_patterns(step: Step) -> None:
    for script in (step.run, step.undo):
        checked = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stderr
    assert all(re.compile(pattern) for pattern in step.expect)


@pytest.mark.parametrize("step", steps(), ids=lambda step: step.title)
def test_a_step_that_stops_a_part_or_changes_a_table_can_be_undone(step: Step) -> None:
    changes = "./demo stop" in step.run or "ALTER TABLE" in step.run
    assert not changes or step.undo
