"""Faults: a mixture, drawn from a seed. Invariants: the auditor's, and what the customers may rely on at every moment (`auditor.history`)."""

import json

import pytest

from demo.chaos.schedule import DEFAULT
from tests.support.stack import RunningStack

pytestmark = [pytest.mark.slow, pytest.mark.timeout(280)]

MINUTES = 0.5


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_seed_of_mixed_faults_under_load_breaks_no_promise(playground: RunningStack, seed: int) -> None:
    # Links have their own test, and the brokers would be struck less often.
    words = ("--seed", str(seed), "--minutes", str(MINUTES), "--faults", ",".join(DEFAULT), "--json")
    run = playground.demo("chaos", *words, timeout_s=240)
    assert run.returncode == 0, run.stdout + run.stderr
    result = json.loads(run.stdout)
    assert result["operations"] > 100
    struck = sum(kind["struck"] for kind in result["faults"].values()) - len(result["not_carried_out"])
    assert struck >= 5
