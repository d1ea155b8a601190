"""A rebuild from its beginning to its end."""

import asyncio
import time
from collections.abc import Awaitable, Coroutine, Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar

from auditor import Report, Target, audit_copy
from auditor.sources.topics import partition_ends
from auditor.target import SINK_CONNECTORS
from auditor.waiting import until
from rebuild.connect_client import SCHEMA, SUFFIX, Connector, SinkError, Worker, worker
from rebuild.pace import CopyProgress, Pace
from rebuild.read_model import ReadModel, RebuildError, SwitchBlockedError, read_model

T = TypeVar("T")

_LOOK_S = 0.5
_STALLED_S = 120.0
_SWITCH_S = 120.0
_PAUSE_S = 0.3
_GO_ON_S = 60.0


class Verify(Protocol):
    """How a copy is compared with the topics."""

    async def __call__(self, target: Target, *, schema: str, suffix: str) -> Report:
        """The report; a clean one lets the copy in."""
        ...


class Observer(Protocol):
    """Who watches a rebuild."""

    def done(self, what: str, *, seconds: float) -> None:
        """A step was taken in so many seconds."""
        ...

    def progressed(self, copies: Sequence[CopyProgress]) -> None:
        """The copy is being filled; called twice a second."""
        ...


class DifferentError(RebuildError):
    """The copy is not what the topics say."""

    def __init__(self, report: Report) -> None:
        """`report` says what differs."""
        super().__init__(f"the copy is not what the topics say, so it was given up:\n{report}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where everything is: the read database as its owner, the sink's worker, and what the audit looks at.

    Any stack will do whose read database, sink worker and brokers are reached from here; of `target` the databases that
    orders are written to are not looked at.
    """

    owner_dsn: str = field(repr=False)
    sink_url: str
    target: Target
    sink_login: tuple[str, str] | None = field(default=None, repr=False)
    cafile: str | None = None

    def sink(self) -> AbstractAsyncContextManager[Worker]:
        """The sink's worker."""
        return worker(self.sink_url, login=self.sink_login, cafile=self.cafile)

    @property
    def names(self) -> list[str]:
        """Of the connectors that write the read model."""
        return [each.name for each in SINK_CONNECTORS]

    @property
    def copy_names(self) -> list[str]:
        """Of the connectors that fill the copy, in the same order."""
        return [name + SUFFIX for name in self.names]


async def rebuild(site: Site, observer: Observer, *, verify: Verify = audit_copy) -> Report:
    """Build the copy, compare it, put it in the old one's place; gives the comparison.

    Whatever ends it before the switch, a cancellation too, leaves the old read model in its place and removes the copy.
    What could not be removed (this process was killed) the next rebuild removes first.

    Raises RebuildError, SinkError and the errors of the databases' and Kafka's drivers.
    """
    async with read_model(site.owner_dsn) as database, site.sink() as sink:
        await database.lock()
        await _clear(site, database, sink)
        await _heal(site, sink)
        copies = [(await sink.connector(name)).copy() for name in site.names]
        try:
            await _timed(observer, "empty tables beside the old ones", database.make_room())
            await _timed(observer, "filled from the topics", _fill(site, copies, database, sink, observer))
            await _timed(observer, "analysed", database.analyze())
            comparing = verify(site.target, schema=SCHEMA, suffix=SUFFIX)
            report = await _timed(observer, "compared with the topics", comparing)
            if not report.clean:
                raise DifferentError(report)
            await _switch(site, database, sink, observer)
        finally:
            await to_its_end(_clear(site, database, sink))
        return report


async def _clear(site: Site, database: ReadModel, sink: Worker) -> None:
    await _all(sink.delete(name) for name in site.copy_names)
    await database.clear(site.copy_names)


async def _heal(site: Site, sink: Worker) -> None:
    """A rebuild killed right behind its switch leaves connectors refused by the database."""
    await _all(sink.restart(name, only_failed=True) for name in site.names)
    await sink.running(site.names)


async def _fill(
    site: Site, copies: Sequence[Connector], database: ReadModel, sink: Worker, observer: Observer
) -> None:
    """Return when the copy has all that was there half a second ago. Raises RebuildError when a part of it stands still."""
    pace = Pace(SINK_CONNECTORS)

    async def look() -> None:
        logs = await partition_ends(replace(site.target, write_databases={}))
        offsets = {
            (name.removesuffix(SUFFIX), site.target.plain(topic), partition): at
            for (name, topic, partition), at in (await database.offsets(site.copy_names)).items()
        }
        progress = pace.look(logs, offsets, at_s=time.monotonic())
        observer.progressed(progress)
        if still := [each.connector for each in progress if each.still_s > _STALLED_S]:
            raise RebuildError(
                f"nothing was copied for {_STALLED_S:g} s by {', '.join(still)}: see the sink's log"
            )

    await look()
    await _all(sink.begin(copy) for copy in copies)
    while not pace.caught_up:
        await asyncio.sleep(_LOOK_S)
        await sink.require_healthy(site.copy_names)
        await look()


async def _switch(site: Site, database: ReadModel, sink: Worker, observer: Observer) -> None:
    """Try until nobody is in the way."""
    deadline = time.monotonic() + _SWITCH_S
    while True:
        await sink.require_healthy(site.copy_names)
        try:
            return await to_its_end(_switch_once(site, database, sink, observer))
        except SwitchBlockedError as error:
            if time.monotonic() > deadline:
                raise RebuildError(f"no moment to switch within {_SWITCH_S:g} s: {error}") from error
        await asyncio.sleep(_PAUSE_S)


async def _switch_once(site: Site, database: ReadModel, sink: Worker, observer: Observer) -> None:
    """From the commit on the old tasks are refused; the new ones claim their partitions where the copy's stood."""
    waited_s = await database.switch(site.names, site.copy_names)
    committed = time.monotonic()
    observer.done("switched; longest time that a query may have waited for it", seconds=waited_s)
    switched = await database.epochs(site.names)
    await _all(sink.restart(name) for name in site.names)

    async def claimed() -> bool:
        epochs = await database.epochs(site.names)
        return all(epochs[place] > epoch for place, epoch in switched.items())

    if not await until(claimed, timeout_s=_GO_ON_S, pause_s=0.05):
        raise SinkError(
            "the switch is made, but the sink's tasks do not continue: restart the sink's workers"
        )
    observer.done("the sink continues where the copy was", seconds=time.monotonic() - committed)


async def _timed(observer: Observer, what: str, step: Awaitable[T]) -> T:
    began = time.monotonic()
    result = await step
    observer.done(what, seconds=time.monotonic() - began)
    return result


async def _all(steps: Iterable[Awaitable[None]]) -> None:
    await asyncio.gather(*steps)


async def to_its_end(step: Coroutine[Any, Any, T]) -> T:
    """Do a step that must not be left half done: a cancellation waits for it.

    It comes too late when the step succeeds, is obeyed when the step changed nothing (SwitchBlockedError), and gives way to
    any other error.
    """
    task = asyncio.create_task(step)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as cancelled:
        try:
            return await task
        except SwitchBlockedError:
            raise cancelled from None
