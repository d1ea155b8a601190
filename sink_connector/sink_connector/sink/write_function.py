"""A batch with projections as one call: a function of the session that runs, one after the other, what a transaction runs.

It lives in the session's temporary schema, keeps what changes in variables, and each of its statements sees what those before it
did. The values of `sink.offsets` and of rows are its arguments; what the batch stands for is as in `offsets.with_rows`.
"""

# ruff: noqa: S608 - every name went through `identifiers.quote`, and a projection is its owner's

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b

from sink_connector.sink.identifiers import quote
from sink_connector.sink.offsets import FIRST_OF_ROWS, MOVE_OR_FAIL, UNCHANGED_OR_FAIL
from sink_connector.sink.projections import InVariables, Tracked
from sink_connector.sink.staging_table import StagingTable
from sink_connector.sink.statements import StatementBuilder, parameters

ARGUMENTS = (
    "text", "text[]", "integer[]", "bigint[]", "bigint[]", "text", "text", "bigint[]", "bigint", "bigint",
)  # fmt: skip
"""The types of the arguments before the rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFunction:
    """`create` makes it and the type of its rows, which are `made`; `call(n)` calls it with up to n rows, as `offsets.with_rows` would.

    The temporary tables of `tracking` may not be there: they are empty, and a function that a projection calls would read them.
    """

    name: str
    made: tuple[str, ...]
    tracking: Tracked
    create: str
    call: Callable[[int], str]


def write_function(
    builder: StatementBuilder, stage: StagingTable, changes: InVariables, *, delete: bool
) -> WriteFunction:
    """The function for the rows that `stage` has columns for; `changes` are those of `builder`."""
    rows = builder.for_argument(stage, f"${FIRST_OF_ROWS}", delete=delete)
    unread = " INTO sink_unread"
    steps = [
        changes.alone,
        MOVE_OR_FAIL + unread,
        rows.capture,
        rows.write,
        "" if delete else builder.prune(),
        *changes.steps,
        UNCHANGED_OR_FAIL + unread,
    ]
    body = "".join(f"{step}\n;\n" for step in steps if step)
    digest = blake2b(f"{stage.name} {body}".encode(), digest_size=8).hexdigest()
    name = quote("pg_temp", f"sink_write_{digest}")
    tag = f"$sink_{digest}$"
    arguments = ", ".join([*ARGUMENTS, f"{stage.sql}[]"])
    function = (
        f"CREATE OR REPLACE FUNCTION {name} ({arguments}) RETURNS void LANGUAGE plpgsql AS {tag}\n"
        f"#variable_conflict use_column\n{changes.declared} sink_unread record;\nBEGIN\n{body}END\n{tag}"
    )
    return WriteFunction(
        name=name,
        made=(name, stage.name),
        tracking=changes.tracking,
        create=f"{changes.check}; {stage.create}; {function}",
        call=cache(partial(_call, name, stage, [target.wire.type for target in builder.targets])),
    )


def _call(name: str, stage: StagingTable, types: Sequence[str], most: int) -> str:
    columns = ", ".join(stage.columns)
    given = ", ".join(f"${place}::{kind}" for place, kind in enumerate(ARGUMENTS, 1))
    places = parameters(types, most, first=FIRST_OF_ROWS)
    return (
        f"SELECT {name}({given}, ARRAY(SELECT ROW({', '.join(f'r.{each}' for each in stage.columns)})::{stage.sql}"
        f" FROM {places} AS r (place, {columns}) WHERE r.place <= ${FIRST_OF_ROWS}::integer ORDER BY r.place))"
    )
