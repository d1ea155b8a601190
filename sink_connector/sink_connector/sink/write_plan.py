"""How entries of one layout are written to one table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

from sink_connector.config.connector import InsertMode, TableConfig
from sink_connector.sink.column_mapping import ColumnMapping
from sink_connector.sink.offsets import FIRST_OF_ROWS, with_rows
from sink_connector.sink.projections import Tracked, in_variables
from sink_connector.sink.staging_table import PLACE, StagingTable
from sink_connector.sink.statements import StatementBuilder, Statements
from sink_connector.sink.table_metadata import Table, TableName
from sink_connector.sink.target_columns import TargetColumn, target_columns
from sink_connector.sink.write_function import WriteFunction, write_function


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class WritePlan:
    """How entries of one layout are written to one table.

    `single` takes one row as parameters; `staged` all the rows in `stage`; `at_once(n)` is a statement that moves the offsets,
    too, and has up to n rows among its parameters, None where there is no such; where changes are tracked, it calls `function`. With `direct`, rows may be copied straight into
    the table instead, with `direct_if_new` those whose keys the table does not have yet; with `together`, only one statement may hold them, whatever their number, because they may refer to
    each other. `prune` drops captured rows that did not change after all; empty when there are none.
    """

    table: TableName
    targets: tuple[TargetColumn, ...]
    tracking: Tracked | None
    single: Statements
    staged: Statements
    stage: StagingTable
    direct: bool
    direct_if_new: bool
    together: bool
    prune: str
    function: WriteFunction | None
    at_once: Callable[[int], str] | None

    @property
    def columns(self) -> list[str]:
        """The names of the columns that are written, in the order of a row."""
        return [target.column.name for target in self.targets]

    def rows(self, columns: Sequence[Sequence[Any]]) -> list[tuple[Any, ...]]:
        """Rows in the form of the wire types. Raises `BadRecordError` when a value cannot be brought into it."""
        encoded = [
            column if target.wire.encode is None else target.wire.encode(column)
            for target, column in zip(self.targets, columns, strict=True)
        ]
        return list(zip(*encoded, strict=True))


def make_write_plan(  # noqa: PLR0913 - each is a thing of its own
    config: TableConfig,
    table: Table,
    layout: ColumnMapping,
    *,
    stage: Callable[[str, Sequence[str]], StagingTable],
    delete: bool,
    tracking: Tracked | None,
) -> WritePlan:
    """Build the statements; `stage(declared, columns)` is the temporary table for their rows.

    Raises `BadRecordError` or `ChangeNeededError` when the table has no column for a field, `FatalError` when it lacks the
    key that the mode needs.
    """
    targets = target_columns(config, table, layout)
    builder = StatementBuilder(table=table, targets=targets, config=config, tracking=tracking)
    mode = config.insert_mode
    staged = stage(_declared(config, targets), [f"c{place}" for place in range(len(targets))])
    prune = "" if delete else builder.prune()
    function, at_once = None, None
    if tracking is not None:
        changes = in_variables(tracking)
        if changes and mode is not InsertMode.IGNORE:  # whose temporary table numbers the rows
            function = write_function(replace(builder, tracking=changes), staged, changes, delete=delete)
        at_once = function.call if function else None
    elif (
        delete or not builder.lacks_required
    ):  # else it is two statements in one, which can be no part of a third
        at_once = cache(partial(_at_once, builder, delete))
    copyable = not delete and tracking is None and _takes_rows_as_sent(table, targets)
    return WritePlan(
        table=table.name,
        targets=targets,
        tracking=tracking,
        single=builder.for_parameters(delete=delete),
        staged=builder.for_stage(staged, delete=delete),
        stage=staged,
        direct=copyable and mode in {InsertMode.INSERT, InsertMode.MULTI},
        direct_if_new=copyable and mode is InsertMode.UPSERT and not table.has_triggers,
        together=table.refers_to_itself,
        prune=prune,
        function=function,
        at_once=at_once,
    )


def _at_once(builder: StatementBuilder, delete: bool, most: int) -> str:  # noqa: FBT001 - bound by place
    return with_rows(builder.for_rows(most, first=FIRST_OF_ROWS, delete=delete))


def _declared(config: TableConfig, targets: Sequence[TargetColumn]) -> str:
    columns = [f"c{place} {target.wire.type}" for place, target in enumerate(targets)]
    return ", ".join([*columns, PLACE] if config.insert_mode is InsertMode.IGNORE else columns)


def _takes_rows_as_sent(table: Table, targets: Sequence[TargetColumn]) -> bool:
    """Whether rows may be copied straight into the table: what is sent of each is what the column holds."""
    return table.is_plain and all(each.as_it_is and not each.column.generated for each in targets)
