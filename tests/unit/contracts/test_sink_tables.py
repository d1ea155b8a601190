"""The sink's tables are its own: every other part reads its views (contracts/sql/sink.sql)."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
TABLES = re.compile(r"\bsink\.(offsets|dead_letters)(?!\w)(?! import\b)")
OTHERS = ("services", "tools", "infra", "benchmarks", "tests")
WRITTEN_IN = {".py", ".sql", ".sh", ".yaml", ".yml", ".json"}
OWN_TESTS = {"sink"}
"""Folders of tests that are about the sink itself."""
PLANT = {
    "tests/contract/test_sink_sql.py",  # what the tables hold and the views do not show
    "tests/e2e/own_stack/test_upgrade.py",  # the version before had no views
    "tests/integration/postgres/test_privileges.py",  # who may not read them
    "tests/integration/rebuild/test_switch.py",  # offsets and dead letters as connectors leave them
}


def named_in(text: str) -> set[str]:
    return {match[1] for match in TABLES.finditer(text)}


def test_no_other_part_names_the_sinks_own_tables() -> None:
    files = [
        file
        for part in OTHERS
        for file in sorted((ROOT / part).rglob("*"))
        if file.suffix in WRITTEN_IN
        and file != Path(__file__)
        and not OWN_TESTS & set(file.relative_to(ROOT).parts)
    ]
    assert len(files) > 200
    found = {str(file.relative_to(ROOT)) for file in files if named_in(file.read_text(encoding="utf-8"))}
    assert found == PLANT


def test_the_tables_are_told_from_their_views_and_from_modules_of_these_names() -> None:
    assert named_in("SELECT * FROM sink.offsets JOIN sink.dead_letters d") == {"offsets", "dead_letters"}
    assert named_in("SELECT * FROM sink.offsets_v1, sink.dead_letters_v1") == set()
    assert named_in("from sink_connector.sink.offsets import Partition") == set()
