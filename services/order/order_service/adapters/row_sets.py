"""Between a transaction's values and the rows of its tables, the same for both databases."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import structlog

from order_service.adapters.mappers import MAPPERS, Row
from order_service.adapters.serialization import RecordMaker
from order_service.domain.errors import UnreadableStateError
from order_service.service_layer.unit_of_work import ENTITIES, Changes, IdentityMap, Needs, Unreadable

log = structlog.get_logger()


def selections(needs: Needs) -> list[tuple[type[Any], tuple[str, ...]]]:
    """The kinds of values that are needed and their keys, in the order of locking."""
    return [
        (entity.type, keys)
        for entity in ENTITIES
        if entity.needs is not None and (keys := getattr(needs, entity.needs))
    ]


def loaded(kinds: Iterable[type[Any]], found: Iterable[Sequence[Row]]) -> IdentityMap:
    """The values in the rows that were found for each kind, or that they hold none; a row's first column is its key."""
    values: IdentityMap = {}
    for kind, rows in zip(kinds, found, strict=True):
        read = MAPPERS[kind].read
        try:
            values[kind] = {row[0]: read(row) for row in rows}
        except UnreadableStateError:
            values[kind] = {row[0]: _read_or_not(read, row) for row in rows}
    return values


def _read_or_not(read: Callable[[Row], Any], row: Row) -> Any:
    try:
        return read(row)
    except UnreadableStateError as error:
        log.warning("row.unreadable", reason=error.detail, cause=repr(error.__cause__))
        return Unreadable(error)


def row_sets(changes: Changes, records: RecordMaker) -> list[tuple[str, list[tuple[Any, ...]]]]:
    """What to write: the name of a statement and its rows, in the order of writing."""
    sets = []
    for kind in changes.new:
        mapper = MAPPERS[kind]
        for verb, values in (("insert", changes.new[kind]), ("update", changes.changed[kind])):
            if values:
                sets.append((f"{verb}_{mapper.table}", [mapper.row(value) for value in values]))
    if changes.publications:
        made = (records.make(publication) for publication in changes.publications)
        sets.append(
            (
                "insert_outbox",
                [(record.topic, record.key, record.value, record.headers_json()) for record in made],
            )
        )
    return sets
