"""The switches: each throws a fault of `./demo chaos` once, or until it is healed."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any

import asyncpg

from demo.chaos.nemesis import Nemesis
from demo.chaos.schedule import BY_NAME, KINDS, Fault
from demo.links import StackLinks
from demo.playground.errors import PlaygroundError
from demo.playground.parts import PAUSED, PartStates
from demo.playground_parts import SPARES
from devservers import links
from devservers.waiting import until

VERBS: Mapping[str, tuple[str, ...]] = {
    "order": ("stop", "pause", "kill"),
    "kafka": ("stop", "pause", "kill"),
    "sink": ("stop", "pause", "kill"),
    "postgres": ("stop", "kill"),
}
"""What may be done to a part, by how its name begins, in the order of the way a command takes. The catalog is not among them: the switches are on its page."""
NOUNS = {"kafka": "broker", "sink": "sink", "order": "instance", "postgres": "database"}
LASTS_S: Mapping[str, float] = {"cut-connections": 0.0, "poison": 0.0, "lock-table": 240.0}
"""Faults of the stack as a whole. A session that holds a lock and is idle is ended by the database after 300 s."""
LINK_FAULTS = tuple(kind.link for kind in KINDS if kind.link)
"""What may be done to a link."""
REFUSE = "refuse-orders"
_CONSTRAINT = "ALTER TABLE orders ADD CONSTRAINT playground CHECK (false) NOT VALID"
_NO_CONSTRAINT = "ALTER TABLE orders DROP CONSTRAINT IF EXISTS playground"
_STOPPED_S = 30.0


LASTING = {"stop": "stopped", "pause": PAUSED}
"""What a part is while such a fault lasts."""


def verbs_of(part: str) -> tuple[str, ...]:
    """What may be done to `part`; empty for one that is nobody's toy. A spare worker that is stopped is not there."""
    verbs = VERBS.get(part.partition("-")[0], ())
    return tuple(verb for verb in verbs if verb != "stop") if part in SPARES else verbs


def place_of(part: str) -> tuple[int, str]:
    """By which parts are sorted: the way a command takes; whatever has no switches comes last."""
    kind = part.partition("-")[0]
    return (list(VERBS).index(kind) if kind in VERBS else len(VERBS), part)


@dataclass(slots=True, kw_only=True)
class Switches:
    """One fault at a time on a part or a link; those of different ones, and of the stack, go together."""

    nemesis: Nemesis
    parts: PartStates
    owner_dsn: str = field(repr=False)
    links: StackLinks | None = None
    planted: Callable[[], None] = lambda: None
    """Called after a record was put into a topic."""
    _thrown: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    @property
    def stack_faults(self) -> list[dict[str, Any]]:
        """Faults of the stack as a whole, with whether they last, and are on now."""
        return [
            {"name": name, "lasting": name == REFUSE or LASTS_S[name] > 0, "on": name in self._thrown}
            for name in (*LASTS_S, REFUSE)
        ]

    async def link_states(self) -> list[dict[str, str | None]]:
        """Each link with the fault that it has, as what forwards says it; it begins with all of them whole."""
        found: dict[str, str | None] = {}
        if self.links is not None:
            with suppress(links.LinkError):
                found = await links.states(self.links.control)
        return [{"name": name, "fault": found.get(name)} for name in (self.links.names if self.links else ())]

    async def throw(self, verb: str, part: str) -> None:
        """Begin `verb` on `part`, one that lasts until it is healed; nothing where it is so already.

        Raises:
            PlaygroundError: no such thing can be done to it.
        """
        if verb not in verbs_of(part):
            raise PlaygroundError(f"{verb} cannot be done to {part!r}")
        name, kind = f"{verb} {part}", f"{verb}-{NOUNS[part.partition('-')[0]]}"
        if name in self._thrown and await self._is(part, LASTING.get(verb)):
            return
        await self._end(name)  # of a part that was started or resumed by other hands since
        if kind in BY_NAME:
            self._begin(name, self._strike(kind, part=part, lasts_s=0.0 if verb == "kill" else inf))
        else:
            self._begin(name, self._stopped(part))

    def throw_at_all(self, name: str) -> None:
        """Begin a fault of the stack as a whole. Raises PlaygroundError for one that there is not."""
        if name == REFUSE:
            self._begin(name, self._refuse_orders())
        elif name in LASTS_S:
            self._begin(name, self._strike(name, lasts_s=LASTS_S[name]))
        else:
            raise PlaygroundError(f"no fault is called {name!r}; there are {', '.join((*LASTS_S, REFUSE))}")

    async def break_link(self, fault: str, link: str) -> None:
        """Have a link broken until it is healed, in place of a fault that it has.

        Raises:
            PlaygroundError: there is no such fault or link, or nothing forwards at the moment.
        """
        if fault not in LINK_FAULTS:
            raise PlaygroundError(f"{fault} cannot be done to a link; there are {', '.join(LINK_FAULTS)}")
        await self._strike_link(fault, link)

    async def heal(self, name: str) -> None:
        """Take back what is wrong with a part, a link, or a fault of the stack; whoever has caused it."""
        if self.links is not None and name in self.links.names:
            await self._strike_link(links.HEAL, name)
            return
        await self._end(name)
        if not verbs_of(name):
            return
        # A stop that is interrupted half way would not be taken back.
        await until(lambda: self._is_not(name, "stopping"), timeout_s=_STOPPED_S)
        for verb in verbs_of(name):
            await self._end(f"{verb} {name}")
        await self.parts.resume(name)

    async def heal_all(self) -> None:
        """Take everything back and wait until every part is ready.

        Raises:
            NotHealedError: see its message.
        """
        await self.release()
        await self.nemesis.heal()

    async def release(self) -> None:
        """Take back every fault that was thrown here, and those of all links, without waiting for the parts."""
        for name in list(self._thrown):
            await self._end(name)
        await self._heal_links()

    async def forget(self) -> None:
        """Take back what a control that was killed may have left in the database and of links."""
        await self._heal_links()
        await self._as_owner(_NO_CONSTRAINT)

    async def _heal_links(self) -> None:
        if self.links is not None:
            with suppress(links.LinkError):  # what forwards is away, and begins with every link whole
                await links.strike(self.links.control, links.HEAL)

    async def _strike_link(self, fault: str, link: str) -> None:
        if self.links is None or link not in self.links.names:
            raise PlaygroundError(f"no link is called {link!r}")
        try:
            await links.strike(self.links.control, fault, link=link)
        except links.LinkError as error:
            raise PlaygroundError(str(error)) from error

    async def _is(self, part: str, state: str | None) -> bool:
        return any(each.name == part and each.state == state for each in await self.parts.now())

    async def _is_not(self, part: str, state: str) -> bool:
        return not await self._is(part, state)

    def _begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        if name in self._thrown:
            work.close()
            return
        task = self._thrown[name] = asyncio.create_task(work)
        task.add_done_callback(lambda _: self._ended(name, task))

    def _ended(self, name: str, task: "asyncio.Task[None]") -> None:
        self._thrown.pop(name, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            self.nemesis.failed.append(f"{name}: {error!r}")

    async def _end(self, name: str) -> None:
        if task := self._thrown.get(name):
            task.cancel()
            await asyncio.wait({task})

    async def _strike(self, kind: str, *, lasts_s: float, part: str = "") -> None:
        fault = Fault(at_s=0.0, kind=kind, part=part, lasts_s=lasts_s)
        await strike_now(self.nemesis, [fault])
        if kind == "poison":
            self.planted()

    async def _stopped(self, part: str) -> None:
        """A stop that no schedule draws."""
        try:
            await self.parts.stop(part)
            await asyncio.Event().wait()
        finally:
            await self.parts.start(part)

    async def _refuse_orders(self) -> None:
        """A constraint that is wrong: whatever order comes becomes a dead letter, until it is dropped."""
        try:
            await self._as_owner(_CONSTRAINT)
            await asyncio.Event().wait()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            self.nemesis.failed.append(f"{REFUSE}: {str(error) or type(error).__name__}")
        finally:
            with suppress(OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._as_owner(_NO_CONSTRAINT)

    async def _as_owner(self, statement: str) -> None:
        connection = await asyncpg.connect(self.owner_dsn, timeout=5)
        try:
            await connection.execute("SET lock_timeout = '5s'")
            await connection.execute(statement, timeout=10)
        finally:
            await connection.close(timeout=5)


async def strike_now(nemesis: Nemesis, faults: Sequence[Fault]) -> None:
    """Carry them out at once and together; cancelled, they are taken back."""
    await nemesis.strike(faults, began=asyncio.get_running_loop().time())
