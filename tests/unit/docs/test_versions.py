"""The parts are released together, under one version."""

import subprocess
from pathlib import Path

from sink_connector.version import VERSION

CHECK = Path(__file__).parents[3] / ".ci" / "release-check"


def problems(tag: str) -> list[str]:
    done = subprocess.run([CHECK, tag], capture_output=True, text=True, timeout=20, check=False)
    return [line for line in done.stderr.splitlines() if "another version" in line]


def test_every_part_has_the_same_version() -> None:
    assert problems(f"v{VERSION}") == []


def test_another_version_is_noticed_in_every_part() -> None:
    assert len(problems("v999.0.0")) > 8
