"""A real Kafka cluster for the length of a block: every one of its 1 or 3 brokers is broker and controller at once.

async with KafkaCluster(directory=tmp_path, brokers=1) as kafka:
connect(kafka.bootstrap)
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Self

from devservers.jars import Jars
from devservers.kafka import Broker, LinkListener, Node, brokers_seen, cluster
from devservers.kafka_security import KafkaSecurity
from devservers.ports import HOST, free_ports
from devservers.private_files import private_directory
from devservers.process import ChildProcess, describe_exit, minimal_environment, tail
from devservers.waiting import until

READY_TIMEOUT_S = 180.0


class ClusterStartError(RuntimeError):
    """A broker could not be formatted or did not come up; the message ends with its last log lines."""


class KafkaCluster:
    """A cluster for the length of an `async with`: started and complete on entry, no process left on exit.

    `ports` are the brokers' client ports, then as many for the controllers; free ones by default. `links` are
    further listeners of each broker, for clients that come through something which stands between, and `controller_links` the
    ports by which the controllers reach each other so (neither with `security`). `settings` are the brokers', instead of the
    stack's. The data stays in `directory`, so that a second cluster there continues where the first one stopped.
    """

    def __init__(  # noqa: PLR0913  what a cluster may differ in, each by its name
        self,
        *,
        directory: Path,
        brokers: int = 1,
        ports: Sequence[int] | None = None,
        links: Sequence[Sequence[LinkListener]] = (),
        controller_links: Sequence[int] = (),
        classpath: str | None = None,
        security: KafkaSecurity | None = None,
        settings: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Describe a cluster; nothing starts before the `async with`."""
        ports = ports or free_ports(2 * brokers)
        self._nodes = [
            Node(
                id=n + 1,
                port=ports[n],
                controller_port=ports[brokers + n],
                links=tuple(links[n]) if links else (),
                controller_link_port=controller_links[n] if controller_links else 0,
            )
            for n in range(brokers)
        ]
        self._directory = directory
        self._classpath = classpath
        self._security = security
        self._settings = settings
        self._running: list[ChildProcess] = []

    @property
    def bootstrap(self) -> str:
        """The brokers' addresses, as clients take them."""
        return ",".join(f"{HOST}:{node.port}" for node in self._nodes)

    async def __aenter__(self) -> Self:
        """Start all brokers and wait until each knows the others.

        Raises:
            ClusterStartError: one did not come up.
        """
        classpath = self._classpath
        if classpath is None:
            classpath = await asyncio.to_thread(Jars.resolve)
        private_directory(self._directory)
        brokers = [
            replace(broker, settings=self._settings)
            for broker in cluster(
                directory=self._directory, nodes=self._nodes, classpath=classpath, security=self._security
            )
        ]
        try:
            await asyncio.gather(*(self._format(broker) for broker in brokers))
            for broker in brokers:
                self._running.append(await self._start(broker, broker.run_command))
            await self._wait_until_complete(brokers)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop all brokers; the data stays."""
        await self._stop()

    async def _format(self, broker: Broker) -> None:
        broker.write_configuration()
        if broker.is_formatted:
            return
        code = await (await self._start(broker, broker.format_command)).wait()
        broker.forget_principals(log=self._log(broker))
        if code:
            raise ClusterStartError(
                f"formatting {broker.name} ended with {describe_exit(code)}\n{tail(self._log(broker))}"
            )

    async def _wait_until_complete(self, brokers: Sequence[Broker]) -> None:
        if not await until(self._is_complete, timeout_s=READY_TIMEOUT_S):
            logs = "\n".join(tail(self._log(broker)) for broker in brokers)
            raise ClusterStartError(f"Kafka is not complete after {READY_TIMEOUT_S:.0f} s\n{logs}")

    async def _is_complete(self) -> bool:
        for node, process in zip(self._nodes, self._running, strict=True):
            if process.returncode is not None:
                log = self._directory / f"kafka-{node.id}.log"
                raise ClusterStartError(
                    f"{log.stem} ended with {describe_exit(process.returncode)}\n{tail(log)}"
                )
        # Each is asked itself: the metadata names a broker before its own port is open.
        seen = [await brokers_seen(f"{HOST}:{node.port}", self._security) for node in self._nodes]
        return all(len(each) == len(self._nodes) for each in seen)

    async def _start(self, broker: Broker, command: Sequence[str]) -> ChildProcess:
        return await ChildProcess.start(
            command, log=self._log(broker), env=minimal_environment(), cwd=self._directory
        )

    async def _stop(self) -> None:
        await asyncio.gather(*(process.stop(grace_s=15) for process in self._running))
        self._running.clear()

    def _log(self, broker: Broker) -> Path:
        return self._directory / f"{broker.name}.log"
