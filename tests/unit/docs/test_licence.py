"""One licence, named by every member and part of every wheel."""

import tomllib
from pathlib import Path

import pytest

from tests.support.documents import REPOSITORY

WORKSPACE = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["tool"]["uv"]["workspace"]["members"]
MEMBERS = sorted(
    folder
    for pattern in WORKSPACE
    for folder in REPOSITORY.glob(pattern)
    if (folder / "pyproject.toml").exists()
)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_a_member_names_the_licence_and_carries_its_text(member: Path) -> None:
    project = tomllib.loads((member / "pyproject.toml").read_text())["project"]
    assert project["license"] == "Apache-2.0"
    assert project["license-files"] == ["LICENSE"]
    assert (member / "LICENSE").read_text() == (REPOSITORY / "LICENSE").read_text()
