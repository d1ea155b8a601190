"""Files of a home that a hand has spoilt: every command says what is wrong in one sentence, or goes on without them."""

import json
import os
from pathlib import Path
from typing import Any

import psutil
import pytest
from rich.console import Console

from auditor.observations import Planted
from demo.cli.up import UpError, prepare
from demo.errors import CommandError
from demo.home import Home
from demo.planted_records import keep_planted_records, planted_records
from demo.supervisor import record
from demo.supervisor.record import Record

ME = {"name": "supervisor", "pid": os.getpid(), "started": psutil.Process().create_time()}
SOUND: dict[str, Any] = {"supervisor": ME, "socket": "/none", "brokers": 1, "port_offset": 0, "children": []}
SPOILT = [
    {"supervisor": ME | {"pid": "1"}},
    {"supervisor": ME | {"pid": -1}},
    {"supervisor": ME | {"pid": 0}},
    {"supervisor": ME | {"pid": 10**30}},
    {"supervisor": ME | {"started": "long ago"}},
    {"supervisor": ME | {"started": None}},
    {"supervisor": 7},
    {"supervisor": []},
    {"socket": None},
    {"brokers": "three"},
    {"port_offset": 1.5},
    {"children": [7]},
    {"children": [ME | {"pid": []}]},
    {"children": 7},
]


def test_a_record_as_it_is_written_is_read(home: Home) -> None:
    home.record.write_text(json.dumps(SOUND))
    assert record.running(home) is not None


@pytest.mark.parametrize("spoilt", SPOILT, ids=range(len(SPOILT)))
def test_a_record_that_cannot_be_understood_is_none(home: Home, spoilt: dict[str, Any]) -> None:
    home.record.write_text(json.dumps(SOUND | spoilt))
    assert record.running(home) is None
    assert record.leftovers(home) == []
    record.forget(home)
    assert not home.record.exists()


@pytest.mark.parametrize("content", ["", "[]", "7", "[" * 100_000, "\x00"], ids=lambda text: text[:5])
def test_a_record_of_anything_is_none(home: Home, content: str) -> None:
    home.record.write_text(content)
    assert Record.read(home) is None


@pytest.mark.parametrize("content", ["three", "", "0", "-1", "9" * 5_000, "\xff"], ids=lambda text: text[:5])
def test_data_made_with_no_number_of_brokers_is_said(home: Home, content: str) -> None:
    (home.data / "brokers").write_text(content, encoding="latin-1")
    with pytest.raises(UpError, match="does not say how many brokers"):
        prepare(home, brokers=None, console=Console(quiet=True))


def test_planted_records_are_kept(home: Home) -> None:
    planted = [Planted("orders", 0, 7)]
    keep_planted_records(home, planted)
    assert planted_records(home) == planted


@pytest.mark.parametrize("content", ["", "7", "[7]", '[["orders"]]', '[["orders", "0", 7]]', "[" * 100_000])
def test_planted_records_that_cannot_be_read_are_said(home: Home, content: str) -> None:
    Path(home.data / "planted.json").write_text(content)
    with pytest.raises(CommandError, match="cannot be read"):
        planted_records(home)
