"""Tables are what they were when they were read."""

from typing import Any

import pytest
from asyncpg import OutdatedSchemaCacheError

from sink_connector.sink.table_metadata import Table, TableName, check_unchanged


class Database:
    """Tells the states of relations."""

    def __init__(self, **states: int) -> None:
        self.states = {int(name.removeprefix("of_")): state for name, state in states.items()}

    async def fetch(self, _: str, asked: list[int]) -> list[dict[str, Any]]:
        return [{"id": each, "state": self.states[each]} for each in asked]


def table(number: int, state: int, **types: int) -> Table:
    name = TableName("public", f"t{number}")
    of_types = {int(each.removeprefix("of_")): known for each, known in types.items()}
    return Table(name=name, called=name, columns={}, keys=(), id=number, state=state, types=of_types)


async def test_a_table_whose_rows_another_one_holds_must_be_known_to_both_as_it_is() -> None:
    database: Any = Database(of_1=10, of_2=20)
    await check_unchanged(database, [table(1, 10, of_2=20), table(2, 20)])
    for stale in (
        [table(1, 10, of_2=19), table(2, 20)],
        [table(2, 20), table(1, 10, of_2=19)],
        [table(2, 19)],
    ):
        with pytest.raises(OutdatedSchemaCacheError, match=r"public.* was changed"):
            await check_unchanged(database, stale)
