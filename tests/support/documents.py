"""The Markdown documents as data: their fenced shell blocks, links and the paths they name."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
_BLOCK = re.compile(r"^```(?P<language>\S*)[^\n]*\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)\)|<img src=\"(?P<picture>[^\"]+)\"")
_SPAN = re.compile(r"`([^`\n]+)`")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)


_SKIPPED = {"build", "node_modules", "results"}


def documents(folder: Path = REPOSITORY) -> list[Path]:
    """Every Markdown file of `folder` and below that is written by hand, in order; folders of tools are not entered."""
    found: list[Path] = []
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if not _is_skipped(name)]
        found += [Path(place, name) for name in files if name.endswith(".md") and not _is_skipped(name)]
    return sorted(found)


def shell_blocks(document: Path, *, section: str = "") -> list[str]:
    """The `sh` blocks, in order; those of one `## section` when it is named."""
    text = document.read_text()
    if section:
        _, found, text = text.partition(f"\n## {section}\n")
        assert found, f"{document.name} has no section {section!r}"
        text = text.partition("\n## ")[0]
    return [block["text"] for block in _BLOCK.finditer(text) if block["language"] == "sh"]


@dataclass(frozen=True, slots=True)
class Example:
    """An `sh` block and the lines of the `text` block that follows it: what it prints, with … for what differs each time."""

    script: str
    shown: tuple[str, ...]

    def missing(self, printed: str) -> str | None:
        """The first line that is not in what was `printed`, behind the ones before it; None when all are."""
        lines = iter(printed.splitlines())
        for line in self.shown:
            pattern = re.compile(".*".join(re.escape(part) for part in line.strip().split("…")))
            if not any(pattern.fullmatch(each.strip()) for each in lines):
                return line
        return None


def examples(document: Path) -> list[Example]:
    """The `sh` blocks, in order, each with what is shown of its output."""
    blocks = [(block["language"], block["text"]) for block in _BLOCK.finditer(document.read_text())]
    return [
        Example(text, tuple(after.splitlines()) if kind == "text" else ())
        for (language, text), (kind, after) in pairwise([*blocks, ("", "")])
        if language == "sh"
    ]


def prompted(document: Path) -> list[str]:
    """The commands behind a `$` in the indented blocks, in order."""
    return re.findall(r"^    \$ (.+)$", document.read_text(), re.MULTILINE)


def links(document: Path) -> Iterator[str]:
    """Targets of links and pictures that are files of the repository, as they are written."""
    for match in _LINK.finditer(_BLOCK.sub("", document.read_text())):
        target = match["target"] or match["picture"]
        if not re.match(r"[a-z]+:", target):
            yield target


def spans(document: Path) -> Iterator[str]:
    """What stands between backticks."""
    for match in _SPAN.finditer(_BLOCK.sub("", document.read_text())):
        yield match[1]


def anchors(document: Path) -> list[str]:
    """The fragments by which its headings can be linked, as GitHub makes them, in their order."""
    headings = (match[1] for match in _HEADING.finditer(_BLOCK.sub("", document.read_text())))
    return [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]


def _is_skipped(name: str) -> bool:
    return name in _SKIPPED or name.startswith(".")
