"""No common misspelling stands in a document, in what the page says, or in what a command says."""

from pathlib import Path

import pytest

from tests.support.documents import REPOSITORY, documents

codespell = pytest.importorskip("codespell_lib", reason="requirements/dev.txt has it")

PAGE = REPOSITORY / "services" / "catalog" / "catalog_service" / "web"
ENGLISH = [
    *(document for document in documents() if not document.name.endswith(".ko.md")),
    PAGE / "index.html",
    PAGE / "assets" / "texts" / "en.json",
    REPOSITORY / "tools" / "demo" / "demo" / "tour" / "steps.toml",
]
RIGHT = "uptodate"
"""Keys of texts that look like words."""


def misspelled(*files: Path) -> int:
    """The exit code of codespell: 0 when it knows no correction of a word of `files`."""
    return int(codespell.main("--ignore-words-list", RIGHT, *map(str, files)))


def test_the_documents_are_spelled_right(capsys: pytest.CaptureFixture[str]) -> None:
    assert misspelled(*ENGLISH) == 0, capsys.readouterr().out


def test_a_misspelling_is_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wrong = tmp_path / "wrong.md"
    wrong.write_text("What is writen is wrong.\n")
    assert misspelled(wrong) != 0
    assert "writen ==> written" in capsys.readouterr().out
