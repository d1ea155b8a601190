"""The parts are released together, under one version."""

import shutil
import subprocess
from pathlib import Path

from sink_connector.version import VERSION

REPOSITORY = Path(__file__).parents[3]
VERSIONED = (
    "services/*/pyproject.toml",
    "tools/*/pyproject.toml",
    "sink_connector/sink_connector/version.py",
    "services/*/Dockerfile",
    "sink_connector/Dockerfile",
    "infra/k8s/base/*.yaml",
    "infra/k8s/overlays/example/kustomization.yaml",
    ".ci/*",
    "CHANGELOG.md",
)


def problems(tag: str, repository: Path = REPOSITORY) -> list[str]:
    check = repository / ".ci" / "release-check"
    done = subprocess.run([check, tag], capture_output=True, text=True, timeout=60, check=False)
    return [line for line in done.stderr.splitlines() if "another version" in line]


def test_every_part_has_the_same_version() -> None:
    assert problems(f"v{VERSION}") == []


def test_another_version_is_noticed_in_every_part() -> None:
    assert len(problems("v999.0.0")) > 8


def test_one_command_gives_every_part_another_version_and_changes_nothing_else(tmp_path: Path) -> None:
    files = [path.relative_to(REPOSITORY) for pattern in VERSIONED for path in REPOSITORY.glob(pattern)]
    for file in files:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / file, tmp_path / file)
    subprocess.run([tmp_path / ".ci" / "set-version", "v77.8.9"], timeout=60, check=True)
    assert problems("v77.8.9", tmp_path) == []
    assert len(problems(f"v{VERSION}", tmp_path)) == len(problems("v999.0.0"))
    for file in files:
        assert (tmp_path / file).read_text().replace("77.8.9", VERSION) == (REPOSITORY / file).read_text()


def test_what_is_no_version_is_refused() -> None:
    command = [str(REPOSITORY / ".ci" / "set-version"), "0.2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (2, "set-version: '0.2' is no X.Y.Z\n")
