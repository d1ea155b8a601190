"""A home of a stack that is not up."""

from pathlib import Path

import pytest

from demo.home import Home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path / "demo home")
    made.make()
    return made
