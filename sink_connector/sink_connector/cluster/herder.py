"""This worker's share of the group's tasks, kept as the configurations and the members ask for it.

Nothing here is told what to do next: whatever changes (a configuration, a target state, the group), the herder compares what
should run here with what does.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from sink_connector.cluster.assignment import worker_of
from sink_connector.cluster.config_store import ConfigStore, ConnectorSpec, Restart, TargetState
from sink_connector.cluster.connector_cache import ConnectorCache, RefusedConnector
from sink_connector.cluster.membership import Membership
from sink_connector.cluster.status_store import TaskId
from sink_connector.runtime.connector import RunningTask
from sink_connector.runtime.worker import Worker


@dataclass(slots=True)
class Herder:
    """Starts and stops connectors in `worker`; `settled` is called whenever something has come of it.

    `failed` is set when a connector cannot run.
    """

    configs: ConfigStore
    membership: Membership
    cache: ConnectorCache
    worker: Worker
    settled: Callable[[], None] = lambda: None
    failed: asyncio.Event = field(default_factory=asyncio.Event)
    _revisions: dict[str, int] = field(default_factory=dict)
    _restarts: list[Restart] = field(default_factory=list)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)

    def change(self) -> None:
        """Look again: something this depends on is not as it was."""
        self._changed.set()

    def restart(self, restart: Restart) -> None:
        """Restart what of a connector runs here; a connector that was refused is looked at again."""
        self._restarts.append(restart)
        self.change()

    def is_mine(self, connector: str, number: int = 0) -> bool:
        """Whether a task of a connector is this worker's to run and to speak for; number 0 has the connector with it."""
        names, workers = self.configs.names, self.membership.view.workers
        if not workers:
            return False
        return worker_of(connector, number, connectors=names, workers=workers) == self.membership.me

    def task(self, task: TaskId) -> RunningTask | None:
        """The task as it runs here."""
        connector = self.worker.connectors.get(task.connector)
        return None if connector is None else connector.tasks.get(task.number)

    async def run(self) -> None:
        """Start and stop as things change, until cancelled."""
        self.change()
        while True:
            await self._changed.wait()
            self._changed.clear()
            restarts, self._restarts = self._restarts, []
            for restart in restarts:
                await self._restart(restart)
            shares = {spec.name: self._share(spec) for spec in self.configs.all()}
            await asyncio.gather(
                *(self._leave(name) for name in list(self.worker.connectors) if not shares.get(name))
            )
            await asyncio.gather(
                *(self._keep(spec, share) for spec in self.configs.all() if (share := shares.get(spec.name)))
            )
            self.settled()

    def _share(self, spec: ConnectorSpec) -> list[int]:
        """The tasks of a connector that are to run here; a paused one holds its tasks, a stopped one has none."""
        tasks = range(0 if spec.target is TargetState.STOPPED else spec.tasks)
        return [number for number in tasks if self.is_mine(spec.name, number)]

    async def _leave(self, name: str) -> None:
        self._revisions.pop(name, None)
        await self.worker.remove(name)

    async def _keep(self, spec: ConnectorSpec, share: list[int]) -> None:
        name = spec.name
        if name in self.worker.connectors and self._revisions[name] != spec.revision:
            await self._leave(name)
        if name not in self.worker.connectors:
            definition = self.cache.of(spec)
            if isinstance(definition, RefusedConnector):
                self.failed.set()
                return
            self.worker.hold(definition, self._heard)
            self._revisions[name] = spec.revision
        await self.worker.connectors[name].keep(share, paused=spec.target is TargetState.PAUSED)

    def _heard(self) -> None:
        """A task has failed or is being restarted."""
        if any(connector.failed.is_set() for connector in self.worker.connectors.values()):
            self.failed.set()
        self.settled()

    async def _restart(self, restart: Restart) -> None:
        """References are resolved anew only when the whole connector starts anew: when it was refused before."""
        self.cache.reconsider(restart.connector)
        connector = self.worker.connectors.get(restart.connector)
        if connector is None:
            return
        if restart.task is None:
            await connector.restart(tasks=restart.include_tasks, only_failed=restart.only_failed)
        elif restart.task in connector.tasks:
            await connector.restart_task(restart.task)
