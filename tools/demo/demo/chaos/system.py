"""What faults strike: the running stack, whoever runs its parts."""

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

from auditor import Command, Report
from auditor.observations import Planted


class System(Protocol):
    """Addresses of the stack, and what can be done to a part from outside.

    What is done to a part or link that is away raises LookupError, OSError or LinkError.
    """

    @property
    def instances(self) -> Mapping[str, str]:
        """Base URL of each order instance, also of one that is away."""

    @property
    def catalog_url(self) -> str:
        """Base URL of the catalog."""

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses."""

    @property
    def admin_dsn(self) -> str:
        """The server of the read database, as its superuser."""

    @property
    def owner_dsn(self) -> str:
        """The read database as its owner."""

    @property
    def catalog_dsn(self) -> str:
        """The read database as the catalog's role."""

    @property
    def parts(self) -> Sequence[str]:
        """What faults may hit, by name: `kafka-1`, `order-1`, `sink` and its like."""

    @property
    def links(self) -> Sequence[str]:
        """What can be broken between the parts, by name; none where they reach each other directly."""

    async def kill(self, part: str) -> None:
        """SIGKILL; the part is started again by whoever runs it."""

    def paused(self, part: str) -> AbstractAsyncContextManager[None]:
        """For as long as the block lasts nothing of it runs, and its connections stay open."""

    def stopped(self, part: str) -> AbstractAsyncContextManager[None]:
        """Stopped in order, and away for as long as the block lasts."""

    def broken(self, link: str, fault: str) -> AbstractAsyncContextManager[None]:
        """A link has this fault (`devservers.links`) for as long as the block lasts."""

    async def resume_all(self) -> None:
        """Heal every link, let every part that is paused go on, and start every one that is stopped."""

    async def states(self) -> Mapping[str, str]:
        """State of every part, `ready` among others: of those, too, that no fault hits."""

    async def audit(
        self, commands: Sequence[Command], planted: Sequence[Planted], *, wait_s: float
    ) -> Report:
        """The auditor's report, which has up to `wait_s` seconds to become clean."""


async def to_its_end(work: Coroutine[Any, Any, None]) -> None:
    """Wait for what was begun, also when cancelled meanwhile: what takes it back must not come before it."""
    doing = asyncio.ensure_future(work)
    try:
        await asyncio.shield(doing)
    except asyncio.CancelledError:
        await asyncio.wait([doing])
        raise
