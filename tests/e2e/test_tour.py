"""The guided tour, as a visitor takes it."""

import subprocess
import sys

import pytest

from tests.support.stack import RunningStack, environment

TIMEOUT_S = 560.0


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_every_step_of_the_tour_shows_what_it_says(stack: RunningStack) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "demo", "tour", "--check", "--from", "1"],
        env=environment(stack.home, stack.ports),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr
    assert done.stdout.count("Notice: ") == 10


def test_it_is_left_with_q_and_goes_on_where_it_was_left(stack: RunningStack) -> None:
    def tour(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "demo", "tour", *words],
            env=environment(stack.home, stack.ports),
            input="q\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=True,
        ).stdout

    assert "goes on with step 4" in tour("--from", "4")
    assert "\n4 of 10" in tour()


def test_the_journey_of_an_order_that_nobody_placed_is_a_sentence(stack: RunningStack) -> None:
    for order_id, said, code in (
        ("order-1-01J8ZK3V9Q6T4M2W1X0Y5R7N8P", "no topic has a record of", 1),
        ("nonsense", "is no id of an order", 2),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "demo", "trace", order_id],
            env=environment(stack.home, stack.ports),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stdout) == (code, "")
        assert said in done.stderr
        assert "Traceback" not in done.stderr
