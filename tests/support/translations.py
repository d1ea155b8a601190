"""Korean documents beside their English ones: what both have in common, and the mark of the text that was translated.

    .venv/bin/python -m tests.support.translations    says that every `*.ko.md` is up to date, by renewing its mark

A translation changes words only. Headings, code, links and tables stay where they are. The mark is the hash of the
English text in the first line of the Korean file; the figures do not count, they are written into both by a command.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.support.documents import REPOSITORY, anchors, documents, links

SUFFIX = ".ko.md"
_FIGURES = re.compile(r"^<!-- figures: .*?^<!-- end of figures -->$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"\A<!-- translated from (?P<name>\S+), sha256 (?P<digest>\w*) -->\n")
_CODE = re.compile(r"`[^`]*`")
_WORDS = "…"


def translations(folder: Path = REPOSITORY) -> list[Path]:
    """The Korean documents of `folder` and below."""
    return [document for document in documents(folder) if document.name.endswith(SUFFIX)]


def original(translation: Path) -> Path:
    """The English document of `translation`."""
    return translation.with_name(translation.name.removesuffix(SUFFIX) + ".md")


def outline(document: Path) -> dict[str, list[str]]:
    """What stays as it is in another language, by kind.

    Code blocks and table cells are in their order; a cell with words is only `…`, one without (code, numbers) stays
    whole. Links and code in the text are sorted, because sentences are built in another order; links are those of the
    English documents.
    """
    tokens = MarkdownIt("commonmark").enable("table").parse(document.read_text())
    inline = [token for token in tokens if token.type == "inline"]
    return {
        "headings": [token.tag for token in tokens if token.type == "heading_open"],
        "code blocks": [token.content for token in tokens if token.type in {"fence", "code_block"}],
        "code in the text": sorted(_inner(inline, "code_inline")),
        "tables": list(_cells(tokens)),
        "figures": _figure_rows(document),
        "links": sorted(_in_english(document, link) for link in links(document)),
    }


def without_figures(text: str) -> str:
    """A document's text without the tables that a command writes into it."""
    return _FIGURES.sub("", text)


def digest(english: Path) -> str:
    """The hash of an English text without its figures."""
    return hashlib.sha256(without_figures(english.read_text()).encode()).hexdigest()


def marked(translation: Path) -> str:
    """The hash in the mark of `translation`; empty when it has no mark."""
    found = _MARK.match(translation.read_text())
    return found["digest"] if found else ""


def renew(translation: Path) -> None:
    """Give `translation` the mark of its English text as it is now."""
    english = original(translation)
    mark = f"<!-- translated from {english.name}, sha256 {digest(english)} -->\n"
    translation.write_text(mark + _MARK.sub("", translation.read_text()))


def _inner(inline: Iterable[Token], kind: str) -> Iterator[str]:
    for token in inline:
        yield from (child.content for child in token.children or () if child.type == kind)


def _cells(tokens: list[Token]) -> Iterator[str]:
    for opened, content in pairwise(tokens):
        if opened.type in {"th_open", "td_open"}:
            has_words = re.search(r"[^\W\d_]", _CODE.sub("", content.content))
            yield _WORDS if has_words else content.content


def _figure_rows(document: Path) -> list[str]:
    """The generated rows, whole; their heads are in the document's language."""
    return [line for found in _FIGURES.findall(document.read_text()) for line in found.splitlines()[5:]]


def _in_english(document: Path, link: str) -> str:
    """`link` as an English document has it: `kafka.ko.md#연결` is `kafka.md#connect`, the heading in the same place."""
    path, hash_, fragment = link.partition("#")
    target = document.parent / path if path else document
    if not target.name.endswith(SUFFIX):
        return link
    english = original(target)
    places = dict(zip(anchors(target), anchors(english), strict=False))
    return path.removesuffix(target.name) + english.name * bool(path) + hash_ + places.get(fragment, fragment)


if __name__ == "__main__":
    for each in translations():
        renew(each)
