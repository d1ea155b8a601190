"""The page's texts: the same ones in every language, all in use, and none anywhere else."""

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from catalog_service.http.page import WEB

ASSETS = WEB / "assets"
TABLES = {path.stem: json.loads(path.read_text()) for path in sorted((ASSETS / "texts").glob("*.json"))}
MODULES = sorted(ASSETS.glob("*.js"))
PLACEHOLDER = re.compile(r"\{(\w+)(?:\|[^}]+)?\}")
# What the services say word for word, and what people type.
NOT_SHOWN = ("out of stock: ", "SELECT * FROM orders WHERE order_id = ")
VOID = {"meta", "link", "input"}


def forms(text: Any) -> list[str]:
    return [text] if isinstance(text, str) else list(text.values())


def test_there_are_two_languages() -> None:
    assert list(TABLES) == ["en", "ko"]


def test_every_language_has_the_same_texts_with_the_same_values() -> None:
    english, korean = TABLES["en"], TABLES["ko"]
    assert list(english) == list(korean), "the same keys in the same order"
    for key, text in english.items():
        wanted = {name for form in forms(text) for name in PLACEHOLDER.findall(form)}
        for form in forms(korean[key]):
            assert set(PLACEHOLDER.findall(form)) == wanted, key


@pytest.mark.parametrize("language", TABLES)
def test_no_text_is_empty_and_plurals_have_a_form_for_all_other_numbers(language: str) -> None:
    for key, text in TABLES[language].items():
        assert all(form.strip() for form in forms(text)), key
        assert isinstance(text, str) or "other" in text, key
        assert all(form.count("*") % 2 == form.count("`") % 2 == 0 for form in forms(text)), key


def test_every_text_is_used_and_no_other() -> None:
    code = "".join(path.read_text() for path in MODULES) + (WEB / "index.html").read_text()
    whole = set(re.findall(r"[\"`]([a-z]+\.[A-Za-z0-9.-]+)[\"`]", code)) - {
        "order.placed.v1"
    }  # an event's type
    beginnings = set(re.findall(r"`([a-z]+\.(?:[a-z]+\.)?)\$\{", code))
    known = set(TABLES["en"])
    groups = {key.partition(".")[0] for key in known}
    assert {key for key in whole if key.partition(".")[0] in groups} - known == set(), "used, but not there"
    unused = {key for key in known - whole if not key.startswith(tuple(beginnings))}
    assert unused == set(), "there, but not used"


def test_korean_does_not_speak_english() -> None:
    """What is the same in both is made of values, names and marks."""
    same = {key for key, text in TABLES["en"].items() if text == TABLES["ko"][key]}
    for key in same:
        for form in forms(TABLES["en"][key]):
            words = re.findall(r"[A-Za-z]{2,}", PLACEHOLDER.sub("", form))
            assert set(words) <= {"Kafka", "ms"}, key


class _Page(HTMLParser):
    """Texts of a page: those marked with a key, and all others."""

    def __init__(self) -> None:
        super().__init__()
        self.marked: list[tuple[str, str, str]] = []  # language, key, text with the marks of the tables
        self.unmarked: list[str] = []
        self.labels: list[tuple[str, str]] = []
        self._open: list[str] = []
        self._within: tuple[int, str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        for marked, holds in (("data-label", "aria-label"), ("data-content", "content")):
            if key := found.get(marked):
                self.labels.append((key, found[holds] or ""))
        if (label := found.get("aria-label")) and "data-label" not in found:
            self.unmarked.append(label)
        if tag not in VOID:
            self._open.append(tag)
        if self._within is not None:
            self._text += {"em": "*", "code": "`"}[tag]
        elif key := found.get("data-text"):
            self._within, self._text = (len(self._open), key, found.get("lang") or "en"), ""

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Shapes of an SVG, which say nothing."""

    def handle_endtag(self, tag: str) -> None:
        if self._within is not None and len(self._open) == self._within[0]:
            self.marked.append((self._within[2], self._within[1], " ".join(self._text.split())))
            self._within = None
        elif self._within is not None:
            self._text += {"em": "*", "code": "`"}[tag]
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._within is not None:
            self._text += data
        else:
            self.unmarked.append(" ".join(data.split()))


def test_the_document_says_what_the_tables_say_and_nothing_else() -> None:
    page = _Page()
    page.feed((WEB / "index.html").read_text())
    assert page.marked
    for language, key, text in page.marked:
        assert text == TABLES[language][key], key
    for key, label in page.labels:
        assert label == TABLES["en"][key], key
    for text in page.unmarked:
        is_path = text.startswith("/")
        assert not re.search(r"[A-Za-z]{2,}", text) or is_path or text in TABLES["en"].values(), text


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.stem)
def test_no_module_has_a_text_of_its_own(module: Path) -> None:
    classes = set(re.findall(r"\.([a-z-]+)", "".join(path.read_text() for path in ASSETS.glob("*.css"))))
    for literal in _literals(module.read_text()):
        if literal in NOT_SHOWN or literal.startswith(NOT_SHOWN):
            continue
        words = re.findall(r"[A-Za-z]{2,}[,.:]?(?= [A-Za-z]{2,})|(?<=[a-z,.:] )[A-Za-z]{2,}", literal)
        assert set(words) <= classes, literal


def _literals(code: str) -> Iterator[str]:
    without_comments = re.sub(r"/\*.*?\*/|(?m:(?:^|\s)//.*$)", "", code, flags=re.DOTALL)
    for literal in re.findall(r"\"([^\"\n]*)\"|`([^`]*)`", without_comments):
        yield re.sub(r"\$\{[^}]*\}", "", "".join(literal))
