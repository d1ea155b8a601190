"""`./demo build`: packages of the sink that hold what it needs, the same bytes for the same sources."""

import zipfile
from pathlib import Path

import pytest

from demo.cli.build import SOURCE, build


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return build(tmp_path_factory.mktemp("dist"))


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(built: list[Path]) -> None:
    _, wheel = built
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    package = SOURCE / "sink_connector"
    there = {
        file.relative_to(SOURCE).as_posix()
        for file in package.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert held == there


def test_the_same_sources_give_the_same_bytes(built: list[Path], tmp_path: Path) -> None:
    again = build(tmp_path)
    assert [package.name for package in again] == [package.name for package in built]
    assert [package.read_bytes() for package in again] == [package.read_bytes() for package in built]
