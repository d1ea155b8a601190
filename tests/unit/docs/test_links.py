"""What the documents point at exists: linked files and headings, and every path of code they name."""

import re
from pathlib import Path

from tests.support.documents import REPOSITORY, anchors, documents, links, spans

ROOTS = (
    "benchmarks/",
    "contracts/",
    "docs/",
    "infra/",
    "requirements/",
    "services/",
    "sink_connector/",
    "tests/",
    "tools/",
)
PACKAGES = (
    "services/order/order_service",
    "services/catalog/catalog_service",
    "sink_connector/sink_connector",
    "tools",
    "benchmarks",
    "benchmarks/sink",
    "benchmarks/commands",
)
"""Where a path may begin in a document of the part concerned: `sink/offsets.sql`."""
_PATH = re.compile(r"[\w.{},*-]+(?:/[\w.{},*-]+)+/?")
_CODE = re.compile(r"\.(py|sql|json|yaml|yml|md|toml|sh|css|js|txt)$")


def name(document: Path) -> str:
    return document.relative_to(REPOSITORY).as_posix()


def missing_links(document: Path) -> list[str]:
    """Links of `document` to files or headings that are not there."""
    missing = []
    for link in links(document):
        path, _, fragment = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (fragment and fragment not in anchors(target)):
            missing.append(link)
    return missing


def missing_paths(document: Path) -> list[str]:
    """Paths between backticks that begin with a folder of the repository, or name a file of code, and do not exist."""
    written = (span for span in spans(document) if _PATH.fullmatch(span))
    named = [path for path in written if path.startswith(ROOTS) or _CODE.search(path)]
    return [
        path for path in named if not any(_exists(base, path) for base in ("", *PACKAGES, document.parent))
    ]


def _exists(base: str | Path, path: str) -> bool:
    folder = REPOSITORY / base
    if not folder.is_dir():
        return False
    return any(any(folder.glob(each.rstrip("/"))) for each in _alternatives(path))


def _alternatives(path: str) -> list[str]:
    """`a/{b,c}.py` as `a/b.py` and `a/c.py`."""
    found = re.search(r"\{([^{}]*)\}", path)
    if found is None:
        return [path]
    return [path[: found.start()] + each + path[found.end() :] for each in found[1].split(",")]


def test_every_link_leads_somewhere() -> None:
    assert {name(each): missing for each in documents() if (missing := missing_links(each))} == {}


def test_every_path_of_code_exists() -> None:
    assert {name(each): missing for each in documents() if (missing := missing_paths(each))} == {}


def test_a_dead_link_and_a_moved_module_are_noticed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One\n[a](#one) [b](#two) [c](nowhere.md) `services/order/order_service/nothing.py` `tests/unit`\n"
    )
    assert missing_links(page) == ["#two", "nowhere.md"]
    assert missing_paths(page) == ["services/order/order_service/nothing.py"]
