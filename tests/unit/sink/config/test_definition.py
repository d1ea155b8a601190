"""The table of keys: each is read by somebody, and the README says what stands in it."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from sink_connector.config import definition
from sink_connector.config.documentation import keys_as_markdown
from sink_connector.config.parser import parse_connector
from sink_connector.config.reader import Reader
from sink_connector.config.worker import unknown_settings
from tests.support.sink_rest import CONNECTOR

README = Path(__file__).parents[4] / "sink_connector" / "README.md"

# Read by what they are for, out of the whole configuration.
READ_ELSEWHERE = {"transforms", "predicates"}


def test_every_key_has_a_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    read = set()
    find = Reader._key  # noqa: SLF001 - every reading method asks it

    def noting(self: Reader, name: str) -> definition.Key:
        read.add(name)
        return find(self, name)

    monkeypatch.setattr(Reader, "_key", noting)
    parse_connector({**CONNECTOR, "name": "c"})
    assert definition.BY_NAME.keys() - read == READ_ELSEWHERE


def test_the_readme_has_the_keys_as_they_are() -> None:
    begin, end = "<!-- keys: written by config/documentation.py -->\n", "<!-- end of keys -->"
    text = README.read_text(encoding="utf-8")
    assert begin in text
    assert text.partition(begin)[2].partition(end)[0] == keys_as_markdown()


def test_a_setting_that_no_worker_has_is_told(tmp_path: Path) -> None:
    file = tmp_path / "w.properties"
    settings: Mapping[str, str] = {
        "foo": "bar", "group.idd": "x", "plugin.path": "/x", "offset.storage.topic": "y", "consumer.max.poll.records": "5",
    }  # fmt: skip
    file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
    assert unknown_settings(file) == {"foo": None, "group.idd": "group.id"}
    assert unknown_settings(None) == {}
