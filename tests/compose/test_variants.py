"""The override files, each merged into a stack of its own: what is loaded into it is visible and audited."""

import json
from pathlib import Path

import pytest

from tests.support.compose import PROJECT, RunningContainers, missing_engine, whole_stack_in_containers

ORDERS = 120


@pytest.mark.timeout(480)
@pytest.mark.parametrize(
    ("override", "parts", "instances"),
    [
        ("light.yml", {"kafka-1", "sink", "read-db", "catalog"}, 3),
        (
            "order-4.yml",
            {"kafka-1", "kafka-2", "kafka-3", "sink", "sink-2", "read-db", "catalog"}
            | {f"order-{number}-db" for number in range(1, 5)},
            4,
        ),
    ],
)
def test_a_stack_of_an_override_file_is_whole(
    override: str, parts: set[str], instances: int, tmp_path: Path
) -> None:
    if why := missing_engine():
        pytest.skip(f"no Docker engine to run containers on: {why}")
    with whole_stack_in_containers(override, project=f"{PROJECT}-{override.removesuffix('.yml')}") as stack:
        names = [f"order-{number}" for number in range(1, instances + 1)]
        shown = json.loads(stack.demo("status", "--compose", "--json").stdout)
        assert (shown["phase"], shown["parts"].keys()) == ("ready", parts | set(names))
        counts = _loaded_and_audited(stack, journal=tmp_path / "journal")
    assert counts["commands ok"] == ORDERS
    assert [counts[f"{name} orders"] for name in names] == [ORDERS / instances] * instances


def _loaded_and_audited(stack: RunningContainers, *, journal: Path) -> dict[str, int]:
    """Counts of a clean audit after orders to every instance."""
    load = ("load", "--compose", "--orders", str(ORDERS), "--rate", "30", "--journal", str(journal))
    sent = stack.demo(*load)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    audited = stack.demo("audit", "--compose", "--wait", "60", "--journal", str(journal), "--json")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    counts: dict[str, int] = json.loads(audited.stdout)["counts"]
    return counts
