"""A real Kafka cluster: 1 or 3 brokers in KRaft mode, every one broker and controller at once.

`Broker` says how one is configured, formatted and started; the supervisor starts them as parts of the stack, and
tests that want a cluster of their own write

    async with KafkaCluster(directory=tmp_path, brokers=1) as kafka:
        connect(kafka.bootstrap)
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from devservers.class_archive import ClassArchive
from devservers.jars import Jars
from devservers.ports import HOST, free_ports
from devservers.private_files import private_directory, write_private
from devservers.process import ChildProcess, describe_exit, minimal_environment, tail
from devservers.waiting import until

# Any 16 bytes will do: clusters differ by their ports, and one directory always belongs to one cluster.
CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
HEAP = ("-Xms96m", "-Xmx256m")
# The optimising compiler of three brokers that share two cores with everything else costs more than it ever gives back.
QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
READY_TIMEOUT_S = 90.0

_LOG4J = """\
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{yyyy-MM-dd'T'HH:mm:ss.SSS} %p %m (%c)%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where one member of the cluster listens."""

    id: int
    port: int
    controller_port: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One member of a cluster: its files under `directory` and the commands that make and run it."""

    node: Node
    nodes: Sequence[Node]
    directory: Path
    classpath: str

    @property
    def name(self) -> str:
        """As logs and directories are called."""
        return f"kafka-{self.node.id}"

    @property
    def bootstrap(self) -> str:
        """Its address for clients."""
        return f"{HOST}:{self.node.port}"

    @property
    def is_formatted(self) -> bool:
        """Whether its data directory has its identity."""
        return (self._data / "meta.properties").exists()

    @property
    def run_command(self) -> tuple[str, ...]:
        """Starts the broker in the foreground."""
        archive = ClassArchive.of(self.classpath)
        options = archive.use_options if archive.exists else archive.learn_options(self.loaded_classes)
        return (*self._java(*HEAP, QUICK_COMPILER, *options), "kafka.Kafka", str(self._properties_file))

    @property
    def loaded_classes(self) -> Path:
        """Where the broker writes which classes it loads while there is no archive of them."""
        return self.directory / f"{self.name}.classes"

    @property
    def format_command(self) -> tuple[str, ...]:
        """Kafka's own tool that gives the data directory its cluster and node id; once in its life."""
        tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted")
        return (
            *self._java(QUICK_COMPILER),
            *tool,
            "-t",
            CLUSTER_ID,
            "-c",
            str(self._properties_file),
        )

    def write_configuration(self) -> None:
        """Write what the broker is started with; its directories are closed to other users, whatever the umask."""
        private_directory(self.directory)
        private_directory(self._data)
        write_private(
            self._properties_file, "".join(f"{key}={value}\n" for key, value in self.properties().items())
        )
        write_private(self._log4j_file, _LOG4J)

    def properties(self) -> dict[str, str]:
        """Broker settings: replicate to every member, lose nothing acknowledged, create no topic by accident."""
        replicas = str(len(self.nodes))
        in_sync = str(max(1, len(self.nodes) - 1))
        return {
            "process.roles": "broker,controller",
            "node.id": str(self.node.id),
            "controller.quorum.voters": ",".join(f"{n.id}@{HOST}:{n.controller_port}" for n in self.nodes),
            "listeners": f"PLAINTEXT://{HOST}:{self.node.port},CONTROLLER://{HOST}:{self.node.controller_port}",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self._data),
            "num.partitions": "1",
            "auto.create.topics.enable": "false",
            "unclean.leader.election.enable": "false",
            "default.replication.factor": replicas,
            "min.insync.replicas": in_sync,
            "offsets.topic.replication.factor": replicas,
            "offsets.topic.num.partitions": "8",
            "transaction.state.log.replication.factor": replicas,
            "transaction.state.log.min.isr": in_sync,
            "transaction.state.log.num.partitions": "8",
            "share.coordinator.state.topic.replication.factor": replicas,
            "share.coordinator.state.topic.min.isr": in_sync,
            "share.coordinator.state.topic.num.partitions": "8",
            "group.initial.rebalance.delay.ms": "0",
            # Small machines: the cleaner's buffer alone is 128 MB by default, half of this heap.
            "log.cleaner.dedupe.buffer.size": "16777216",
            # A follower's fetch that finds nothing is asked again after so long; one that finds something is answered at
            # once. Not longer: a partition that moves to another leader waits for the fetch under way there.
            "replica.fetch.wait.max.ms": "1000",
            "num.network.threads": "2",
            "num.io.threads": "4",
        }

    async def answers(self) -> bool:
        """Whether this broker serves metadata."""
        return bool(await brokers_seen(self.bootstrap))

    @property
    def _data(self) -> Path:
        return self.directory / self.name

    @property
    def _properties_file(self) -> Path:
        return self.directory / f"{self.name}.properties"

    @property
    def _log4j_file(self) -> Path:
        return self.directory / "log4j2.properties"

    def _java(self, *options: str) -> tuple[str, ...]:
        return (
            str(Jars.java()),
            *options,
            "-XX:+UseSerialGC",
            "--sun-misc-unsafe-memory-access=allow",  # Kafka unmaps its files so; Java would warn at every start
            f"-Dlog4j2.configurationFile={self._log4j_file}",
            "-cp",
            self.classpath,
        )


def cluster(*, directory: Path, nodes: Sequence[Node], classpath: str) -> tuple[Broker, ...]:
    """Describe the brokers of one cluster that keeps its files in `directory`."""
    return tuple(Broker(node=n, nodes=nodes, directory=directory, classpath=classpath) for n in nodes)


async def brokers_seen(bootstrap: str) -> frozenset[int]:
    """Ids of the brokers that the cluster's metadata names; empty while nobody answers."""
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2_000)
    try:
        await client.bootstrap()
        return frozenset(broker.nodeId for broker in client.cluster.brokers())
    except KafkaError:
        return frozenset()
    finally:
        await client.close()


class ClusterStartError(RuntimeError):
    """A broker could not be formatted or did not come up; the message ends with its last log lines."""


class KafkaCluster:
    """A cluster for the length of an `async with`: started and complete on entry, no process left on exit.

    `ports` are the brokers' client ports, then as many for the controllers; free ones by default. The data stays in
    `directory`, so that a second cluster there continues where the first one stopped.
    """

    def __init__(
        self,
        *,
        directory: Path,
        brokers: int = 1,
        ports: Sequence[int] | None = None,
        classpath: str | None = None,
    ) -> None:
        """Describe a cluster; nothing starts before the `async with`."""
        ports = ports or free_ports(2 * brokers)
        self._nodes = [
            Node(id=n + 1, port=ports[n], controller_port=ports[brokers + n]) for n in range(brokers)
        ]
        self._directory = directory
        self._classpath = classpath
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
        brokers = cluster(directory=self._directory, nodes=self._nodes, classpath=classpath)
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
        return len(await brokers_seen(self.bootstrap)) == len(self._nodes)

    async def _start(self, broker: Broker, command: Sequence[str]) -> ChildProcess:
        return await ChildProcess.start(
            command, log=self._log(broker), env=minimal_environment(), cwd=self._directory
        )

    async def _stop(self) -> None:
        await asyncio.gather(*(process.stop(grace_s=15) for process in self._running))
        self._running.clear()

    def _log(self, broker: Broker) -> Path:
        return self._directory / f"{broker.name}.log"
