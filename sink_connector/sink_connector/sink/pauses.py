"""Ways that mostly work, are worth a try, and are left alone for a while where they did not."""

from dataclasses import dataclass, field

from sink_connector.sink.table_metadata import TableName

LONGEST_PAUSE = 1024  # batches


@dataclass(slots=True)
class Pauses:
    """For each table how many batches are to be written the other way: twice as many as the last time it failed."""

    _pauses: dict[TableName, int] = field(default_factory=dict)
    _left: dict[TableName, int] = field(default_factory=dict)

    def is_over(self, table: TableName) -> bool:
        """Whether to try it; to be asked once for each batch."""
        left = self._left.pop(table, 0)
        if left > 1:
            self._left[table] = left - 1
        return not left

    def failed(self, table: TableName) -> None:
        """It was tried in vain."""
        self._left[table] = self._pauses[table] = min(LONGEST_PAUSE, 2 * self._pauses.get(table, 1))

    def worked(self, table: TableName) -> None:
        """It was tried, and did: the next pause is a short one again."""
        self._pauses.pop(table, None)
