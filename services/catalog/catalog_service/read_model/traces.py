"""What the read database holds of one order: its row, its history, the sink's positions, its dead letters."""

from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg

from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.orders import Row, RowSource

_MOST_STATES = 20
_MOST_LETTERS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredTrace:
    """Rows as their statements give them; `positions` are those of every connector, `history` begins with version 1."""

    row: Row | None
    history: Sequence[Row]
    positions: Sequence[Row]
    dead_letters: Sequence[Row]


async def stored_trace(rows: RowSource, order_id: str, *, topic: str, key: bytes) -> StoredTrace:
    """Five rows of dead letters and twenty of history at most. `topic` and `key` are those of the order's records.

    The positions are read first: a record that they are past is applied, or a dead letter, in what follows.

    Raises:
        DatabaseAwayError: as every query.
    """
    positions = await _of_sink(rows, STATEMENTS["applied_offsets"])
    return StoredTrace(
        row=await rows.fetch_row(STATEMENTS["order"], order_id),
        history=await rows.fetch(STATEMENTS["order_history"], order_id, 0, _MOST_STATES),
        positions=positions,
        dead_letters=await _of_sink(rows, STATEMENTS["dead_letters_of_order"], topic, key, _MOST_LETTERS),
    )


async def _of_sink(rows: RowSource, statement: str, *values: object) -> Sequence[Row]:
    """Rows of the sink's own views, which are not there before it has begun."""
    try:
        return await rows.fetch(statement, *values)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return ()
