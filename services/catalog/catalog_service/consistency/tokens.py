"""Read your own writes: hold a query back until the versions its client has been promised are visible.

Waiting is woken by the sink's notifications. However many wait, one statement for each look at the offsets looks for all of them.
"""

import asyncio
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import structlog

from catalog_service.read_model.database import DatabaseAwayError

log = structlog.get_logger(__name__)

TOPICS = frozenset({"orders", "products"})
_MAX_TOKENS = 50
TOKEN = r"(orders|products):[A-Za-z0-9._~-]{1,128}:[1-9][0-9]{0,17}"  # noqa: S105 - a pattern
_TOKEN = re.compile(TOKEN)


class BadTokenError(ValueError):
    """Not a `Consistency-Token` of the order service."""


class NotYetVisibleError(Exception):
    """The time is up and the version is still on its way: ask again."""


class TooManyWaitersError(Exception):
    """As many queries as allowed are waiting already: ask again."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Where the record stands, and why it could not be written."""

    topic: str
    partition: int
    offset: int
    error: str


class DeadLetterError(Exception):
    """The record of this version is in the dead letters: waiting does not help, somebody has to look at it."""

    def __init__(self, token: "Token", letter: DeadLetter) -> None:
        """Say which record it is."""
        super().__init__(
            f"{token} was refused by the read model: record {letter.offset} of {letter.topic}/{letter.partition} "
            f"is a dead letter ({letter.error})"
        )
        self.letter = letter


@dataclass(frozen=True, slots=True)
class Token:
    """One promised version of one order or product."""

    topic: str
    id: str
    version: int

    def __str__(self) -> str:
        """As it stands in the header."""
        return f"{self.topic}:{self.id}:{self.version}"


def parse_tokens(text: str) -> frozenset[Token]:
    """The tokens of a `Consistency-Token` header; several are joined by commas.

    Raises:
        BadTokenError: one of them is not a token.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or len(parts) > _MAX_TOKENS:
        raise BadTokenError(f"1 to {_MAX_TOKENS} tokens are expected")
    return frozenset(_parse(part) for part in parts)


def _parse(text: str) -> Token:
    if not _TOKEN.fullmatch(text):
        raise BadTokenError(f"not a token: {text[:200]}")
    topic, name, version = text.split(":")
    return Token(topic, name, int(version))


class Visibility(Protocol):
    """What the gate asks of the read database."""

    async def versions(self, tokens: Collection[Token]) -> Mapping[tuple[str, str], int]:
        """The visible version of each (topic, id) of `tokens`; absent if there is none."""
        ...

    async def dead_letters(self, tokens: Collection[Token]) -> Mapping[Token, DeadLetter]:
        """Those of `tokens` whose own record is in the dead letters."""
        ...


@dataclass(slots=True, eq=False)
class _Waiter:
    tokens: frozenset[Token]
    done: asyncio.Future[None]


class TokenGate:
    """Lets a query pass when everything it was promised is visible."""

    def __init__(self, visibility: Visibility, *, max_waiters: int) -> None:
        """At most `max_waiters` queries wait at a time."""
        self._visibility = visibility
        self._max_waiters = max_waiters
        self._waiters: set[_Waiter] = set()
        self._woken = asyncio.Event()
        self._closed = False

    @property
    def waiting(self) -> int:
        """Queries that are held back now."""
        return len(self._waiters)

    def wake(self) -> None:
        """The read model has changed."""
        if self._waiters:
            self._woken.set()

    def close(self) -> None:
        """Let nobody wait any more: this process is about to end, and another one can answer."""
        self._closed = True
        for waiter in self._waiters:
            if not waiter.done.done():
                waiter.done.set_exception(NotYetVisibleError("the service is being stopped"))

    async def run(self) -> None:
        """Look again for everybody who waits, each time the read model has changed."""
        while True:
            await self._woken.wait()
            self._woken.clear()
            try:
                await self._look(tuple(self._waiters))
            except (
                DatabaseAwayError
            ) as away:  # those who wait run into their time-out, or the database comes back
                log.warning("tokens.check_failed", detail=str(away))
            except Exception:  # likewise: a table that is being replaced, rights that are taken away
                log.exception("tokens.check_broken")

    async def passed(self, tokens: frozenset[Token], *, wait_s: float) -> None:
        """Return when all of `tokens` are visible.

        Raises:
            DeadLetterError: one of them never will be without help.
            NotYetVisibleError: not within `wait_s` seconds.
            TooManyWaitersError: no room to wait.
            DatabaseAwayError: nobody can tell.
        """
        waiter = _Waiter(tokens, asyncio.get_running_loop().create_future())
        await self._look((waiter,))
        if not waiter.done.done() and wait_s > 0 and not self._closed:
            await self._wait(waiter, wait_s)
        if not waiter.done.done():
            raise NotYetVisibleError(
                f"not visible within {wait_s:g} s: {', '.join(sorted(map(str, tokens)))}"
            )
        waiter.done.result()

    async def _wait(self, waiter: _Waiter, wait_s: float) -> None:
        if len(self._waiters) >= self._max_waiters:
            raise TooManyWaitersError(f"{self._max_waiters} queries are waiting already")
        self._waiters.add(waiter)
        self._woken.set()  # it may have become visible after the first look
        try:
            await asyncio.wait({waiter.done}, timeout=wait_s)
        finally:
            self._waiters.discard(waiter)

    async def _look(self, waiters: Sequence[_Waiter]) -> None:
        wanted = frozenset().union(*(waiter.tokens for waiter in waiters))
        seen = await self._visibility.versions(wanted)
        missing = {token for token in wanted if seen.get((token.topic, token.id), 0) < token.version}
        refused = await self._visibility.dead_letters(missing) if missing else {}
        for waiter in waiters:
            if waiter.done.done():
                continue
            if stuck := waiter.tokens & refused.keys():
                token = min(stuck, key=str)
                waiter.done.set_exception(DeadLetterError(token, refused[token]))
            elif not waiter.tokens & missing:
                waiter.done.set_result(None)
