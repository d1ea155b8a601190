"""A batch with projections as one call: a function of the session that runs, one after the other, what a transaction runs.

It lives in the session's temporary schema, as the tables do that it uses, and each of its statements sees what those before it
did. The values of `sink.offsets` and of rows are its arguments; what the batch stands for is as in `offsets.with_rows`.
"""

# ruff: noqa: S608 - every name went through `identifiers.quote`, and a projection is its owner's

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from hashlib import blake2b

from sink_connector.sink.identifiers import quote
from sink_connector.sink.offsets import FIRST_OF_ROWS, MOVE_OR_FAIL, UNCHANGED_OR_FAIL
from sink_connector.sink.projections import Tracked
from sink_connector.sink.staging_table import StagingTable
from sink_connector.sink.statements import StatementBuilder, parameters

ARGUMENTS = (
    "text", "text[]", "integer[]", "bigint[]", "bigint[]", "text", "text", "bigint[]", "bigint", "bigint",
)  # fmt: skip
"""The types of the arguments before the rows."""
NO_STEP = re.compile(
    r";|\$\d|\A\s*(?:SELECT|VALUES|TABLE|\()|\b(?:RETURNING|found|sqlstate|sqlerrm)\b", re.IGNORECASE
)
"""More than one statement, one that gives rows, or a name that means something else within a function; in a text perhaps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteFunction:
    """`create` makes it and the tables it needs, which are `made`; `call(n)` calls it with up to n rows, as `offsets.with_rows` would."""

    name: str
    made: tuple[str, ...]
    create: str
    call: Callable[[int], str]


def write_function(
    builder: StatementBuilder, stage: StagingTable, tracking: Tracked, *, prune: str, delete: bool
) -> WriteFunction | None:
    """The function for the rows that `stage` has columns for; None where a projection may be no step of one."""
    projections = [sql.strip().removesuffix(";") for sql in tracking.statements]
    if any(NO_STEP.search(sql) for sql in projections):
        return None
    rows = builder.for_argument(stage, f"${FIRST_OF_ROWS}", delete=delete)
    unread = " INTO sink_unread"
    steps = [
        MOVE_OR_FAIL + unread,
        rows.capture,
        rows.write,
        prune,
        *projections,
        UNCHANGED_OR_FAIL + unread,
    ]
    body = "".join(f"{step}\n;\n" for step in steps if step)
    digest = blake2b(f"{stage.name} {body}".encode(), digest_size=8).hexdigest()
    name = quote("pg_temp", f"sink_write_{digest}")
    tag = f"$sink_{digest}$"
    arguments = ", ".join([*ARGUMENTS, f"{stage.sql}[]"])
    function = (
        f"CREATE OR REPLACE FUNCTION {name} ({arguments}) RETURNS void LANGUAGE plpgsql AS {tag}\n"
        f"#variable_conflict use_column\nDECLARE sink_unread record;\nBEGIN\n{body}END\n{tag}"
    )
    return WriteFunction(
        name=name,
        made=(name, stage.name, tracking.new),
        create=f"{stage.create}; {tracking.create}; {function}",
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
