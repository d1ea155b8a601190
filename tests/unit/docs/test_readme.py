"""The README is what a visitor reads before anything else, so it is short."""

from tests.support.documents import REPOSITORY
from tests.support.translations import without_figures

SCREEN_LINES = 50


def test_the_readme_has_two_screens_apart_from_its_figures() -> None:
    lines = without_figures((REPOSITORY / "README.md").read_text()).splitlines()
    assert len(lines) <= 2 * SCREEN_LINES, "what a visitor needs later belongs into docs/ or CONTRIBUTING.md"
