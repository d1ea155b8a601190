"""The guide has every document: `docs/index.md` lists it, by name or by pattern."""

import re

from tests.support.documents import REPOSITORY, documents

DOCS = REPOSITORY / "docs"


def test_every_document_is_a_page_of_the_guide() -> None:
    names = re.findall(r"^[\w./*-]+$", (DOCS / "index.md").read_text(), re.MULTILINE)
    listed = {page for name in names for page in DOCS.glob(f"{name}.md")}
    assert {*documents(DOCS)} - listed == {DOCS / "index.md"}
