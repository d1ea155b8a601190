"""Korean documents say what the English ones say: the same outline, made from the text as it is now."""

import re
import shutil
from pathlib import Path

import pytest

from tests.support.documents import REPOSITORY, links
from tests.support.translations import digest, marked, original, outline, renew, translations

KINDS = ("headings", "code blocks", "code in the text", "tables", "figures", "links")
RENEW = "carry the change over, then run: .venv/bin/python -m tests.support.translations"

ENGLISH = """\
# A page
[한국어](page.ko.md)

Run `up` as [the other page](other.md#its-part) says:

    $ ./demo up

| command | what it does | port |
|---|---|---|
| `up`, `down` | starts it | 8000 |

<!-- figures: written by a command -->
Two cores.

| what | measured |
|---|---|
| orders a second | 985/s **missed** |
<!-- end of figures -->
"""
KOREAN = """\
# 문서
[English](page.md)

[다른 문서](other.ko.md#한-부분)대로 `up`을 실행합니다.

    $ ./demo up

| 명령 | 하는 일 | 포트 |
|---|---|---|
| `up`, `down` | 시작 | 8000 |

<!-- figures: written by a command -->
코어 2개.

| 항목 | 측정값 |
|---|---|
| orders a second | 985/s **missed** |
<!-- end of figures -->
"""


def english_although_translated(document: Path, folder: Path = REPOSITORY) -> list[str]:
    """Links of `document` to English pages of `folder` that are translated, but for the one to its own English text."""
    files = {link: (document.parent / link.partition("#")[0]).resolve() for link in links(document)}
    translated = {original(each) for each in translations(folder)} - {original(document)}
    return [link for link, file in files.items() if file in translated]


def name(document: Path) -> str:
    return document.relative_to(REPOSITORY).as_posix()


@pytest.fixture
def translation(tmp_path: Path) -> Path:
    """A translation in step with its English page, in a folder of their own."""
    (tmp_path / "other.md").write_text("# Other\n## Its part\n")
    (tmp_path / "other.ko.md").write_text("# 다른 문서\n## 한 부분\n")
    (tmp_path / "page.md").write_text(ENGLISH)
    page = tmp_path / "page.ko.md"
    page.write_text(KOREAN)
    renew(page)
    return page


def test_the_readme_is_translated() -> None:
    assert REPOSITORY / "README.ko.md" in translations()


@pytest.mark.parametrize("document", translations(), ids=name)
def test_a_translation_is_made_from_the_english_text_as_it_is_now(document: Path) -> None:
    english = original(document)
    assert marked(document) == digest(english), f"{english.name} is newer than {document.name}: {RENEW}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("document", translations(), ids=name)
def test_a_translation_has_the_outline_of_the_english_text(document: Path, kind: str) -> None:
    assert outline(document)[kind] == outline(original(document))[kind], f"{kind} of {document.name} differ"


@pytest.mark.parametrize("document", translations(), ids=name)
def test_both_languages_lead_to_each_other(document: Path) -> None:
    english = original(document)
    assert document.name in links(english)
    assert english.name in links(document)


@pytest.mark.parametrize("document", translations(), ids=name)
def test_a_translation_leads_to_translations_where_there_are_some(document: Path) -> None:
    assert english_although_translated(document) == []


def test_a_pair_in_step_is_accepted(translation: Path) -> None:
    assert outline(translation) == outline(original(translation))
    assert set(outline(translation)) == set(KINDS)
    assert all(outline(translation).values())
    assert translations(translation.parent) == [translation.with_name("other.ko.md"), translation]


def test_a_link_to_english_although_there_is_korean_is_noticed(translation: Path) -> None:
    assert english_although_translated(translation, translation.parent) == []
    translation.write_text(KOREAN.replace("other.ko.md#한-부분", "other.md#its-part"))
    assert english_although_translated(translation, translation.parent) == ["other.md#its-part"]


def test_an_english_change_is_noticed_until_the_mark_is_renewed(translation: Path) -> None:
    english = original(translation)
    assert marked(translation) == digest(english)
    english.write_text(ENGLISH.replace("A page", "The page"))
    assert marked(translation) != digest(english)
    renew(translation)
    renew(translation)
    assert marked(translation) == digest(english)
    assert translation.read_text().endswith(KOREAN)
    assert translation.read_text().count("sha256") == 1


def test_new_figures_are_no_change_of_the_text(translation: Path) -> None:
    english = original(translation)
    english.write_text(ENGLISH.replace("985/s", "2,015/s").replace("Two cores", "Four cores"))
    assert marked(translation) == digest(english)


def test_a_file_without_a_mark_has_none(translation: Path) -> None:
    shutil.copy(original(translation), translation)
    assert marked(translation) == ""


@pytest.mark.parametrize(
    ("kind", "before", "after"),
    [
        ("headings", "# 문서", "## 문서"),
        ("headings", "[English]", "## 새 절\n[English]"),
        ("code blocks", "$ ./demo up", "$ ./demo up --brokers 1"),
        ("code in the text", "`up`을", "`start`를"),
        ("tables", "| `up`, `down` |", "| `up` |"),
        ("tables", "| 8000 |", "| 8001 |"),
        ("figures", "985/s", "2,985/s"),
        ("figures", " **missed**", ""),
        ("links", "#한-부분", "#다른-문서"),
        ("links", "other.ko.md", "another.md"),
    ],
)
def test_what_is_out_of_step_is_noticed(translation: Path, kind: str, before: str, after: str) -> None:
    text = translation.read_text()
    assert len(re.findall(re.escape(before), text)) == 1
    translation.write_text(text.replace(before, after))
    assert outline(translation)[kind] != outline(original(translation))[kind]
