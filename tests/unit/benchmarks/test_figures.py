"""The documents' figures are those of the newest results, and none is left out."""

from pathlib import Path

import pytest

from benchmarks import figures


def test_the_documents_say_what_the_results_say() -> None:
    stale = [file.name for file, text in figures.documents().items() if file.read_text() != text]
    assert stale == [], "run: .venv/bin/python -m benchmarks.figures"


def test_the_whole_running_instance_comes_first() -> None:
    assert figures.figures()[0].what.startswith("one running instance")


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_every_missed_goal_stands_in_the_readme_and_is_marked(name: str) -> None:
    readme = figures.REPOSITORY / name
    rows = figures.documents()[readme].splitlines()
    missed = [figure.row(readme) for figure in figures.figures() if figure.missed]
    assert missed
    assert all("**missed**" in row and row in rows for row in missed)


def test_a_document_without_a_place_for_the_figures_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text("nothing\n")
    monkeypatch.setattr(figures, "REPOSITORY", tmp_path)
    with pytest.raises(ValueError, match="no place"):
        figures.between_marks(tmp_path / "README.md", "text")
