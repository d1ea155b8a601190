"""A connector worked out from records and a table."""

from typing import Any

import pytest

from sink_connector.cli.proposal import propose
from sink_connector.data.record import Record
from sink_connector.sink.table_metadata import Column, Table, TableName

NAME = TableName("public", "people")


def record(key: Any, value: Any) -> Record:
    return Record(
        topic="people", partition=0, offset=0, timestamp=0,
        key_schema=None, key=key, value_schema=None, value=value,
    )  # fmt: skip


def table(*columns: str, key: tuple[str, ...] = (), required: tuple[str, ...] = ()) -> Table:
    return Table(
        name=NAME,
        called=NAME,
        columns={
            name: Column(
                name=name, type="text", base_type="text", not_null=name in (*key, *required),
                has_default=False, generated=False,
            )
            for name in columns
        },
        keys=(frozenset(key),) if key else (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("key", "value", "target", "chosen"),
    [
        ({"id": 1}, {"n": 2}, table("id", "n", key=("id",)), ("upsert", "record_key", "id")),
        ("a", {"n": 2}, table("id", "n", key=("id",)), ("upsert", "record_key", "id")),
        ("1", {"id": 1, "n": 2}, table("id", "n", key=("id",)), ("upsert", "record_key", "id")),
        ("user-7", {"id": 1, "n": 2}, table("id", "n", key=("id",)), ("upsert", "record_value", "id")),
        (None, {"b": 1, "a": 2}, table("a", "b", key=("b", "a")), ("upsert", "record_value", "a,b")),
        ({"a": 1, "b": 2}, {"n": 1}, table("b", "a", "n", key=("a", "b")), ("upsert", "record_key", "b,a")),
        (None, {"n": 2}, table("id", "n", key=("id",)), ("insert", "none", None)),
        (None, {"id": None}, table("id", key=("id",)), ("insert", "none", None)),
        ("a", {"n": 2}, table("n"), ("insert", "none", None)),
        ({"x": 1, "y": 2}, {"n": 1}, None, ("upsert", "record_key", "x,y")),
        ("7", {"n": 1, "no": 7}, None, ("upsert", "record_key", "no")),
        ("7", {"id": 1}, None, ("upsert", "record_key", "key")),
        (None, {"id": 1}, None, ("upsert", "kafka", None)),
    ],
)
def test_the_key_is_the_tables_in_the_key_or_the_value_else_the_records_own(
    key: Any, value: Any, target: Table | None, chosen: tuple[str, str, str | None]
) -> None:
    keys = propose([record(key, value)], target).keys
    assert (keys["insert.mode"], keys["pk.mode"], keys.get("pk.fields")) == chosen
    assert keys.get("auto.create") == ("true" if target is None else None)


def test_tombstones_delete_where_the_key_says_which_row_and_are_noted_where_it_does_not() -> None:
    records = [record("a", {"id": "a"}), record("a", None)]
    assert propose(records, table("id", key=("id",))).keys["delete.enabled"] == "true"
    proposal = propose([record("x", {"id": "a"}), record("y", None)], table("id", key=("id",)))
    assert "delete.enabled" not in proposal.keys
    assert any("without a value" in note for note in proposal.notes)


def test_a_field_without_a_column_is_left_out_and_a_column_without_a_field_is_noted() -> None:
    proposal = propose(
        [record(None, {"id": 1, "extra": 2})], table("id", "must", "may", key=("id",), required=("must",))
    )
    assert proposal.keys["field.exclude.list"] == "extra"
    assert [note for note in proposal.notes if "asks for must," in note]
    assert not [note for note in proposal.notes if "may," in note]


def test_a_key_that_is_in_some_of_the_values_only_is_not_taken() -> None:
    records = [record(None, {"id": 1}), record(None, {"n": 1})]
    assert propose(records, table("id", "n", key=("id",))).keys["pk.mode"] == "none"
