"""Writing a batch reduced to the last states leaves what writing its records one by one would."""

from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from sink_connector.config.connector import InsertMode, PkMode, TableConfig
from sink_connector.data.record import Field, Schema, Type
from sink_connector.data.record_schema import RecordSchema, dict_record_schema, primitive_record_schema
from sink_connector.data.write_record import WriteRecord, WriteRecords
from sink_connector.sink.column_mapping import ColumnMapping, make_column_mapping
from sink_connector.sink.reduction import Group, all_states, in_order, last_states

NUMBER = Schema(type=Type.INT64)
KEY = primitive_record_schema(NUMBER)


def shape_of(*names: str) -> RecordSchema:
    return dict_record_schema(Schema(type=Type.STRUCT, fields=tuple(Field(name, NUMBER) for name in names)))


COLUMNS: tuple[tuple[str, ...], ...] = (("version", "a"), ("version", "b"), ("version", "a", "b"))
SHAPES = {names: shape_of(*names) for names in COLUMNS}


@dataclass(frozen=True, slots=True)
class ColumnSource:
    topic: str = "t"
    partition: int = 0
    offset: int = 0
    timestamp: int = 0
    key: bytes | None = None
    value: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()


def config(*, version: str, mode: InsertMode = InsertMode.UPSERT) -> TableConfig:
    return TableConfig(
        insert_mode=mode,
        pk_mode=PkMode.RECORD_KEY,
        pk_fields=("id",),
        delete_enabled=True,
        version_field=version,
    )


def layouts(table: TableConfig) -> Any:
    known: dict[tuple[int, int], ColumnMapping] = {}

    def layout_of(key_shape: RecordSchema | None, shape: RecordSchema | None) -> ColumnMapping:
        key = id(key_shape), id(shape)
        if key not in known:
            known[key] = make_column_mapping(table, "t", key_shape, shape)
        return known[key]

    return layout_of


def write(rows: dict[int, dict[str, int]], key: int, value: dict[str, int] | None, *, version: str) -> None:
    """What the statements do with one row."""
    if value is None:
        rows.pop(key, None)
    elif key not in rows:
        rows[key] = dict(value)
    elif not version or rows[key]["version"] < value["version"]:
        rows[key] |= value


def written(
    groups: list[Group], *, version: str, rows: dict[int, dict[str, int]]
) -> dict[int, dict[str, int]]:
    for group in groups:
        keys = [entry.key for entry in group.entries]
        assert keys == sorted(set(keys)), "a statement has each key once, in order"
        for entry in group.entries:
            write(rows, entry.key, entry.value, version=version)
    return rows


entries = st.lists(
    st.tuples(
        st.integers(0, 4),
        st.one_of(
            st.none(),
            *(st.fixed_dictionaries({name: st.integers(0, 5) for name in names}) for names in COLUMNS),
        ),
    ),
    max_size=40,
)
before = st.dictionaries(
    st.integers(0, 4), st.fixed_dictionaries({"version": st.integers(0, 5), "a": st.integers(0, 5)})
)


def entry(key: int, value: dict[str, int] | None) -> WriteRecord:
    shape = None if value is None else SHAPES[tuple(name for name in ("version", "a", "b") if name in value)]
    return WriteRecord(ColumnSource(), KEY, key, shape, value)


@given(entries, before, st.sampled_from(["", "version"]))
def test_last_states_leave_the_table_that_single_records_leave(
    records: list[tuple[int, dict[str, int] | None]], table: dict[int, dict[str, int]], version: str
) -> None:
    one_by_one = {key: dict(row) for key, row in table.items()}
    for key, value in records:
        write(one_by_one, key, value, version=version)
    groups = last_states(WriteRecords.of(entry(*each) for each in records), layouts(config(version=version)))
    assert written(groups, version=version, rows={key: dict(row) for key, row in table.items()}) == one_by_one


@given(entries, st.integers(0, 40))
def test_a_batch_cut_anywhere_leaves_the_same_table(
    records: list[tuple[int, dict[str, int] | None]], cut: int
) -> None:
    layout_of = layouts(config(version="version"))
    every = WriteRecords.of(entry(*each) for each in records)
    whole = written(last_states(every, layout_of), version="version", rows={})
    halves = written(last_states(every[:cut], layout_of), version="version", rows={})
    assert written(last_states(every[cut:], layout_of), version="version", rows=halves) == whole


@given(entries)
def test_where_the_database_decides_every_record_is_kept_in_the_order_of_each_key(
    records: list[tuple[int, dict[str, int] | None]],
) -> None:
    layout_of = layouts(config(version="", mode=InsertMode.INSERT))
    groups = all_states(WriteRecords.of(entry(*each) for each in records), layout_of)
    kept = [(each.key, each.value) for group in groups for each in group.entries]
    for key in range(5):
        assert [value for each, value in kept if each == key] == [
            value for each, value in records if each == key
        ]


@given(entries)
def test_without_a_key_everything_stays_as_it_came(records: list[tuple[int, dict[str, int] | None]]) -> None:
    every = [entry(key, value) for key, value in records if value is not None] or [
        entry(0, {"version": 1, "a": 1})
    ]
    groups = in_order(WriteRecords.of(every), layouts(TableConfig()))
    assert [each for group in groups for each in group.entries] == list(WriteRecords.of(every))
