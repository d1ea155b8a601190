"""The database of an instance, SQLite or PostgreSQL: what both adapters offer, and which of them a URL means."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from order_service.adapters.mappers import Row
from order_service.adapters.postgres.dsn import postgres_dsn
from order_service.adapters.serialization import RecordMaker
from order_service.service_layer.unit_of_work import Changes, IdentityMap, Needs

T = TypeVar("T")


class Database(Protocol):
    """`Storage`, and what is read beside it. Every method raises the errors of `service_layer.errors` only."""

    async def transact(self, needs: Needs, decide: Callable[[IdentityMap], tuple[T, Changes]]) -> T:
        """As `Storage.transact`."""

    async def rows(self, name: str, *parameters: Any) -> Sequence[Row]:
        """The rows of a named query, on a snapshot of its own."""

    async def log_rows(self, name: str, *parameters: Any) -> Sequence[Row]:
        """As `rows`, on a connection that is the relay's alone."""

    async def execute(self, name: str, *parameters: Any) -> int:
        """A named statement in a transaction of its own, beside the commits; the number of rows it changed."""

    async def close(self) -> None:
        """Wait for what is in progress, then disconnect."""


def open_database(url: str, records: RecordMaker) -> Database:
    """A database by its URL, `sqlite…:///file` or `postgresql…://…`; connects when it is first used."""
    scheme, _, rest = url.partition("://")
    if scheme.startswith("sqlite"):
        from order_service.adapters.sqlite.storage import SqliteStorage  # noqa: PLC0415 - one of the two is enough

        return SqliteStorage(rest.removeprefix("/").partition("?")[0], records)
    from order_service.adapters.postgres.storage import PostgresStorage  # noqa: PLC0415

    return PostgresStorage(postgres_dsn(url), records)
