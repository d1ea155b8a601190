"""This worker's share of the group's tasks, kept as the configurations and the members ask for it.

Nothing here is told what to do next: whatever changes (a configuration, a target state, the group), the herder compares what
should run here with what does.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn

import structlog

from sink_connector.cluster.assignment import worker_of
from sink_connector.cluster.change_signal import Watch
from sink_connector.cluster.cluster import Cluster
from sink_connector.cluster.config_store import ConnectorSpec, Restart, TargetState
from sink_connector.cluster.connector_cache import ConnectorCache, RefusedConnector
from sink_connector.cluster.status_store import TaskId
from sink_connector.errors import SinkError
from sink_connector.runtime.connector import RunningTask
from sink_connector.runtime.worker import Worker

log = structlog.get_logger()


@dataclass(slots=True, kw_only=True)
class Herder:
    """Starts and stops connectors in `worker`. `failed` is set once a connector cannot run or one of its tasks has failed.

    What goes wrong over one connector is that connector's reason to have failed; the others are kept all the same.
    """

    cluster: Cluster
    definitions: ConnectorCache
    worker: Worker
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    _revisions: dict[str, int] = field(default_factory=dict)

    def is_mine(self, connector: str, number: int = 0) -> bool:
        """Whether a task of a connector is this worker's to run and to speak for; number 0 has the connector with it."""
        names, membership = self.cluster.configs.names, self.cluster.membership
        workers = membership.view.workers
        if not workers:
            return False
        return worker_of(connector, number, connectors=names, workers=workers) == membership.me

    def task(self, task: TaskId) -> RunningTask | None:
        """The task as it runs here."""
        connector = self.worker.connectors.get(task.connector)
        return None if connector is None else connector.tasks.get(task.number)

    async def run(self) -> None:
        """Start and stop as things change, until cancelled."""
        watch: Watch = self.cluster.signal.watch()
        while True:
            await watch.wait()
            await self.settle()
            watch.notify_others()

    async def settle(self) -> None:
        """Compare once what should run here with what does."""
        for restart in self.cluster.configs.take_restarts():
            await self._restart(restart)
        specs = self.cluster.configs.all()
        shares = {spec.name: self._share(spec) for spec in specs}
        await _all(self._leave(name) for name in list(self.worker.connectors) if not shares.get(name))
        await _all(self._keep(spec, shares[spec.name]) for spec in specs if shares[spec.name])
        self.definitions.forget_all_but(
            [spec.name for spec in specs if spec.target is not TargetState.STOPPED]
        )
        refused = (self._is_refused(spec) for spec in specs)
        failed = (connector.failed.is_set() for connector in self.worker.connectors.values())
        if any(failed) or any(refused):
            self.failed.set()

    def _is_refused(self, spec: ConnectorSpec) -> bool:
        runs = spec.target is TargetState.STARTED and self.is_mine(spec.name)
        return runs and isinstance(self.definitions.of(spec), RefusedConnector)

    def _share(self, spec: ConnectorSpec) -> list[int]:
        """The tasks of a connector that are to run here; a paused one holds its tasks, a stopped one has none."""
        tasks = range(0 if spec.target is TargetState.STOPPED else spec.tasks)
        return [number for number in tasks if self.is_mine(spec.name, number)]

    async def _leave(self, name: str) -> None:
        self._revisions.pop(name, None)
        await self.worker.remove(name)

    async def _keep(self, spec: ConnectorSpec, share: list[int]) -> None:
        try:
            await self._start(spec, share)
        except MemoryError:
            raise  # as where a configuration is read
        except Exception as error:
            log.exception("connector.start_failed", connector=spec.name)
            self.definitions.refuse(spec, f"the connector cannot be started: {error!r}")

    async def _start(self, spec: ConnectorSpec, share: list[int]) -> None:
        name = spec.name
        if name in self.worker.connectors and self._revisions.get(name) != spec.revision:
            await self._leave(name)
        if name not in self.worker.connectors:
            definition = self.definitions.start(spec)
            if isinstance(definition, RefusedConnector):
                return
            self.worker.hold(definition)
            self._revisions[name] = spec.revision
        await self.worker.connectors[name].keep(share, paused=spec.target is TargetState.PAUSED)

    async def _restart(self, restart: Restart) -> None:
        """What starts anew has its references resolved anew, as in Connect: a password may be another by now."""
        spec = self.cluster.configs.get(restart.connector)
        connector = self.worker.connectors.get(restart.connector)
        if connector is None or spec is None:
            self.definitions.forget(restart.connector)
            return
        definition = self.definitions.renew(spec)
        if isinstance(definition, RefusedConnector):
            connector.make_task = partial(_refuse, definition.trace)
        else:
            self.worker.redefine(definition)
        if restart.task is None:
            await connector.restart(tasks=restart.include_tasks, only_failed=restart.only_failed)
        elif restart.task in connector.tasks:
            await connector.restart_task(restart.task)


def _refuse(reason: str, _: int) -> NoReturn:
    raise SinkError(reason)


async def _all(steps: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Do them at once, each to its end; then raises what the first of those that failed has raised."""
    for failure in await asyncio.gather(*steps, return_exceptions=True):
        if failure is not None:
            raise failure
