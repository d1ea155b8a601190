"""A connector's file and the SQL beside it, which stands in the configuration as if it had been written there."""

import json
import os
from pathlib import Path

import pytest

from sink_connector.config.file import read_connector_file
from sink_connector.config.parser import parse_connector
from sink_connector.errors import ConfigError
from tests.support.sink_rest import CONNECTOR

CONNECTORS = Path(__file__).parents[4] / "infra" / "connectors"
SQL = "-- Who bought.\nINSERT INTO spend SELECT user_id FROM new_orders\n"


def connector_file(folder: Path, sql_file: str) -> Path:
    file = folder / "orders.json"
    config = {**CONNECTOR, "projections": "spend", "projection.spend.file": sql_file}
    file.write_text(json.dumps({"name": "orders", "config": config}), encoding="utf-8")
    return file


def test_the_text_of_the_file_stands_under_the_key_that_a_worker_knows(tmp_path: Path) -> None:
    (tmp_path / "spend.sql").write_text(SQL, encoding="utf-8")
    given = read_connector_file(connector_file(tmp_path, "spend.sql"))
    assert given["projection.spend.sql"] == SQL
    assert "projection.spend.file" not in given
    assert parse_connector(given).projections == {"spend": SQL.strip()}


def test_a_mounted_file_that_is_a_link_is_one(tmp_path: Path) -> None:
    (tmp_path / "..data").mkdir()
    (tmp_path / "..data" / "spend.sql").write_text(SQL, encoding="utf-8")
    (tmp_path / "spend.sql").symlink_to("..data/spend.sql")
    assert read_connector_file(connector_file(tmp_path, "spend.sql"))["projection.spend.sql"] == SQL


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("../spend.sql", "the name of a file in the same folder"),
        ("/etc/hostname", "the name of a file in the same folder"),
        ("", "the name of a file in the same folder"),
        ("missing.sql", "no file of at most 64 KB"),
        ("folder", "no file of at most 64 KB"),
        ("pipe", "no file of at most 64 KB"),
        ("long.sql", "no file of at most 64 KB"),
        ("binary.sql", "not UTF-8"),
    ],
)
def test_what_is_no_such_file_is_refused_by_the_key_that_names_it(
    tmp_path: Path, written: str, reason: str
) -> None:
    (tmp_path.parent / "spend.sql").write_text(SQL, encoding="utf-8")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "long.sql").write_text("-" * (64 * 1024 + 1), encoding="utf-8")
    (tmp_path / "binary.sql").write_bytes(b"\xff")
    with pytest.raises(ConfigError) as refused:
        read_connector_file(connector_file(tmp_path, written))
    [(key, [problem])] = refused.value.problems.items()
    assert key == "projection.spend.file"
    assert reason in problem


def test_a_worker_is_given_the_text_and_says_so_when_it_is_given_the_files_name() -> None:
    given = {**CONNECTOR, "name": "orders", "projections": "spend", "projection.spend.file": "spend.sql"}
    with pytest.raises(ConfigError, match=r"projection\.spend\.sql is missing .*deploy"):
        parse_connector(given)


@pytest.mark.parametrize("file", sorted(CONNECTORS.glob("*.json")), ids=lambda file: file.stem)
def test_every_connector_of_the_deployment_can_be_read_and_uses_every_file_beside_it(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = read_connector_file(file)
    named = {key.split(".")[1] for key in given if key.startswith("projection.")}
    assert named == ({each.stem for each in CONNECTORS.glob("*.sql")} if file.stem == "orders" else set())
    assert not any(key.endswith(".file") for key in given)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps({"name": "c", "config": CONNECTOR}), encoding="utf-8-sig")
    assert read_connector_file(file) == {**CONNECTOR, "name": "c"}


def test_a_number_stands_as_it_is_written(tmp_path: Path) -> None:
    file = tmp_path / "c.json"
    file.write_text(
        '{"name": 5, "config": {"batch.size": 1e3, "tasks.max": 2, "auto.create": true, "x": null}}'
    )
    assert read_connector_file(file) == {
        "name": "5",
        "batch.size": "1e3",
        "tasks.max": "2",
        "auto.create": "true",
    }


@pytest.mark.parametrize(
    ("content", "key"),
    [
        ({"name": "c", "config": {"topics": ["a", "b"]}}, "topics"), ({"name": "c", "config": {"transforms": {"type": "x"}}}, "transforms"),
        ({"name": ["c"], "config": {}}, "name"), ({"name": "c", "config": {"name": "d"}}, "name"), ({"topics": []}, "topics"),
    ],
)  # fmt: skip
def test_what_is_no_single_value_is_refused_by_its_key(tmp_path: Path, content: object, key: str) -> None:
    file = tmp_path / "c.json"
    file.write_text(json.dumps(content))
    with pytest.raises(ConfigError) as refused:
        read_connector_file(file)
    assert list(refused.value.problems) == [key]
