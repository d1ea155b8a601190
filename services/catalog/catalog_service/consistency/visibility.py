"""Which versions are visible, which records are dead letters: the read database's answer to `consistency.tokens`."""

from collections.abc import Collection, Mapping, Sequence

import asyncpg
import msgspec

from catalog_service.consistency.tokens import DeadLetter, Token
from catalog_service.read_model import STATEMENTS
from catalog_service.read_model.database import Database, Record
from catalog_service.read_model.rules import is_order_of
from catalog_service.records import record_key


class _State(msgspec.Struct):
    version: int
    order_id: str | None = None
    instance: str | None = None


class _Envelope(msgspec.Struct):
    payload: _State


class ReadModelVisibility:
    """Looks into the read tables (of orders: either their state or their history) and the sink's dead letters."""

    def __init__(self, database: Database, *, prefix: str, connectors: Sequence[str]) -> None:
        """`prefix` stands before Kafka's names of topics; only dead letters of `connectors` count."""
        self._database = database
        self._prefix = prefix
        self._connectors = connectors
        self._versions = STATEMENTS[
            "visible_history" if "order-history" in connectors else "visible_versions"
        ]

    async def versions(self, tokens: Collection[Token]) -> Mapping[tuple[str, str], int]:
        """The visible version of each (topic, id); absent if there is none."""
        found = await self._database.fetch(
            self._versions,
            [token.id for token in tokens if token.topic == "orders"],
            [token.id for token in tokens if token.topic == "products"],
        )
        return {(row["topic"], row["id"]): row["version"] for row in found}

    async def dead_letters(self, tokens: Collection[Token]) -> Mapping[Token, DeadLetter]:
        """Tokens whose own record is a dead letter. One that cannot be read any more counts for every version.

        One that was refused because it names another instance than its order's says nothing about the order: nobody
        who answers with tokens has written it.
        """
        by_key = {(self._prefix + token.topic, record_key(token.id)): token.id for token in tokens}
        try:
            found = await self._database.fetch(
                STATEMENTS["dead_letters_of"],
                [topic for topic, _ in by_key],
                [key for _, key in by_key],
                self._connectors,
            )
        except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
            return {}
        dead_letters: dict[Token, DeadLetter] = {}
        for row in found:
            state = _state(row["value"])
            if state is not None and _forged(state):
                continue
            version = state.version if state is not None else None
            for token in tokens:
                same = (self._prefix + token.topic, record_key(token.id)) == (row["topic"], row["key"])
                if same and version in {None, token.version}:
                    dead_letters[token] = _letter(row)
        return dead_letters


def _state(value: bytes | None) -> _State | None:
    try:
        return msgspec.json.decode(value or b"", type=_Envelope).payload
    except (msgspec.MsgspecError, RecursionError):
        return None


def _forged(state: _State) -> bool:
    order_id, instance = state.order_id, state.instance
    return order_id is not None and instance is not None and not is_order_of(order_id, instance)


def _letter(row: Record) -> DeadLetter:
    return DeadLetter(row["topic"], row["partition"], row["offset"], row["error"])
