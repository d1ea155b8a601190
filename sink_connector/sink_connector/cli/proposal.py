"""A connector's configuration worked out from records as they are and the table they are to go to."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sink_connector.data.record import Record
from sink_connector.sink.table_metadata import Table

KEY_NAMES = ("id", "key", "record_key")  # for the column of a key that is one value and has no name


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """Configuration keys with their values, and what a person ought to know about them."""

    keys: Mapping[str, str]
    notes: Sequence[str]


def propose(records: Sequence[Record], table: Table | None) -> Proposal:
    """How these records would be written into this table, or into one that is made when it is None.

    The records are those that a chain of transforms has left, tombstones among them. The key is looked for in this order:
    the table's key in the record's key, then in the value; without a table the record's key as it is. Where there is none,
    every record is a row of its own.
    """
    values = [record.value for record in records if isinstance(record.value, dict)]
    fields = list(dict.fromkeys(name for value in values for name in value))
    keys, notes = _key(records, values, table)
    is_keyed = keys["pk.mode"] == "record_key"
    if any(record.value is None for record in records):
        if is_keyed:
            keys["delete.enabled"] = "true"
        else:
            notes.append(
                "records without a value are skipped: only the record's key says what is to be deleted"
            )
    if table is None:
        keys["auto.create"] = "true"
    else:
        chosen = keys.get("pk.fields", "")
        written = {*fields, *(chosen.split(",") if is_keyed else ())}
        if foreign := [name for name in fields if name not in table.columns]:
            keys["field.exclude.list"] = ",".join(foreign)
            notes.append(
                f"the table has no column for {_listed(foreign)}: left out; with auto.evolve=true instead of "
                "field.exclude.list they would be added, if the records have a schema"
            )
        if missing := [name for name in _required(table) if name not in written]:
            notes.append(f"the table asks for {_listed(missing)}, which no record has: rows will be refused")
    return Proposal(keys=keys, notes=notes)


def _key(
    records: Sequence[Record], values: Sequence[Mapping[str, Any]], table: Table | None
) -> tuple[dict[str, str], list[str]]:
    keys = [record.key for record in records]
    if table is None:
        return _own_key(records, keys), []
    if not table.keys:
        return {"insert.mode": "insert", "pk.mode": "none"}, [
            "the table has no key: every record becomes a row, and a record that is sent twice becomes two"
        ]
    wanted = [name for name in table.columns if name in table.keys[0]]
    if _all_have(keys, wanted) or (len(wanted) == 1 and _is_the_key(wanted[0], records)):
        return _upsert("record_key", wanted), []
    if _all_have(values, wanted):
        return _upsert("record_value", wanted), []
    return {"insert.mode": "insert", "pk.mode": "none"}, [
        f"the table's key ({_listed(wanted)}) is neither in every key nor in every value of the records: rows are inserted"
    ]


def _own_key(records: Sequence[Record], keys: Sequence[Any]) -> dict[str, str]:
    """Where there is no table yet: the record's key, whatever it is called; or each record's place."""
    if all(isinstance(key, dict) and key for key in keys):
        return _upsert("record_key", list(keys[0]))
    if any(key is None or isinstance(key, (dict, list)) for key in keys):
        return {"insert.mode": "upsert", "pk.mode": "kafka"}
    fields = list(dict.fromkeys(name for record in records for name in record.value or ()))
    same = [name for name in fields if _is_the_key(name, records)]
    free = [name for name in KEY_NAMES if name not in fields]
    return _upsert("record_key", (same or free)[:1])


def _upsert(mode: str, columns: Sequence[str]) -> dict[str, str]:
    return {"insert.mode": "upsert", "pk.mode": mode, "pk.fields": ",".join(columns)}


def _is_the_key(name: str, records: Sequence[Record]) -> bool:
    """Whether a key of one value is that field of the value in every record that has it."""
    return all(
        record.key is not None
        and not isinstance(record.key, (dict, list))
        and (record.value is None or str(record.value.get(name, record.key)) == str(record.key))
        for record in records
    )


def _all_have(found: Sequence[Any], names: Iterable[str]) -> bool:
    return bool(found) and all(
        isinstance(each, dict) and all(each.get(name) is not None for name in names) for each in found
    )


def _required(table: Table) -> Iterator[str]:
    for column in table.columns.values():
        if column.not_null and not (column.has_default or column.generated):
            yield column.name


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
