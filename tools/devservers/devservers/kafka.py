"""The brokers of a real Kafka cluster in KRaft mode: how one is configured, formatted and started.

The supervisor starts them as parts of the stack; `kafka_cluster` runs a whole cluster for a test.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError

from devservers.class_archive import ClassArchive
from devservers.jars import Jars
from devservers.kafka_security import KafkaSecurity, java_properties, super_users
from devservers.ports import HOST
from devservers.private_files import private_directory, write_private

# Any 16 bytes will do: clusters differ by their ports, and one directory always belongs to one cluster.
CLUSTER_ID = "5L6g3nShT-eMCtK--X86sw"
HEAP = ("-Xms96m", "-Xmx256m")
# The optimising compiler of three brokers that share two cores with everything else costs more than it ever gives back.
QUICK_COMPILER = "-XX:TieredStopAtLevel=1"

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
class LinkListener:
    """A further listener, for clients that come through something which stands between: they are sent to what is advertised."""

    name: str
    port: int
    advertised_port: int
    advertised_host: str = HOST
    between_brokers: bool = False
    """Brokers copy from this one through it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """Where one member of the cluster listens."""

    id: int
    port: int
    controller_port: int
    links: tuple[LinkListener, ...] = ()
    controller_link_port: int = 0
    """Where its controller is reached by all members, through something which stands between; 0: at its own port."""

    @property
    def voter(self) -> str:
        """As the quorum knows it."""
        return f"{self.id}@{HOST}:{self.controller_link_port or self.controller_port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """One member of a cluster: its files under `directory` and the commands that make and run it."""

    node: Node
    nodes: Sequence[Node]
    directory: Path
    classpath: str
    security: KafkaSecurity | None = None
    """None: everybody who reaches the ports may do everything."""
    settings: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Broker settings instead of those of `properties`."""

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
        options = (*options, *(self.security.java_options if self.security else ()))
        return (*self._java(*HEAP, QUICK_COMPILER, *options), "kafka.Kafka", str(self._properties_file))

    @property
    def loaded_classes(self) -> Path:
        """Where the broker writes which classes it loads while there is no archive of them."""
        return self.directory / f"{self.name}.classes"

    @property
    def format_command(self) -> tuple[str, ...]:
        """Kafka's own tool that gives the data directory its cluster and node id; once in its life."""
        tool = ("kafka.tools.StorageTool", "format", "--ignore-formatted")
        # In a file: what is on a command line is in everybody's list of processes.
        principals = (f"@{self._principals_file}",) if self.security else ()
        return (
            *self._java(QUICK_COMPILER),
            *tool,
            "-t",
            CLUSTER_ID,
            "-c",
            str(self._properties_file),
            *principals,
        )

    def write_configuration(self) -> None:
        """Write what the broker is started with; its directories are closed to other users, whatever the umask."""
        private_directory(self.directory)
        private_directory(self._data)
        write_private(self._properties_file, java_properties(self.properties()))
        write_private(self._log4j_file, _LOG4J)
        if self.security:
            write_private(self._principals_file, self.security.format_arguments())

    def forget_principals(self, *, log: Path) -> None:
        """Once formatted, remove the passwords from the files, and what the format tool has told of them from its `log`."""
        self._principals_file.unlink(missing_ok=True)
        if self.security and log.exists():
            told = log.read_text(errors="replace").splitlines(keepends=True)
            write_private(log, "".join(line for line in told if "ScramCredentialRecord" not in line))

    def properties(self) -> dict[str, str]:
        """Broker settings: replicate to every member, lose nothing acknowledged, create no topic by accident."""
        replicas = str(len(self.nodes))
        in_sync = str(max(1, len(self.nodes) - 1))
        return self._listeners() | {
            "process.roles": "broker,controller",
            "node.id": str(self.node.id),
            "controller.quorum.voters": ",".join(node.voter for node in self.nodes),
            "controller.listener.names": "CONTROLLER",
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
            # A follower that asks before the leader knows of its lead, as with most new topics, is refused, and asks again
            # after so long; until then nothing is acknowledged there. A second by default.
            "replica.fetch.backoff.ms": "100",
            # How long a broker that was killed keeps the lead of its partitions, and may not come back: 9 s by default. One
            # heartbeat may be missed; two may not.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "1000",
            # How long a broker waits for a controller that does not answer, as one that hangs or whose link is held, before it
            # looks for the one that leads now: 30 s by default, in which no copy is given up and none comes back. A topic whose
            # making takes longer is asked for again.
            "controller.socket.timeout.ms": "3000",
            # A leader with nothing to record says so twice a second by default, on each disk, and every member fetches it. It only
            # lets metrics tell that from a quorum that is stuck (KIP-835).
            "metadata.max.idle.interval.ms": "5000",
            "num.network.threads": "2",
            "num.io.threads": "4",
            **self.settings,
        }

    async def answers(self) -> bool:
        """Whether this broker serves metadata."""
        return bool(await brokers_seen(self.bootstrap, self.security))

    def _listeners(self) -> dict[str, str]:
        if self.security is None:
            return self._open_listeners()
        return self.security.broker_properties(
            name=self.name, host=HOST, client_port=self.node.port, controller_port=self.node.controller_port
        ) | {"super.users": super_users([f"kafka-{node.id}" for node in self.nodes])}

    def _open_listeners(self) -> dict[str, str]:
        node, links = self.node, self.node.links
        listeners = {"PLAINTEXT": node.port, "CONTROLLER": node.controller_port}
        listeners |= {link.name: link.port for link in links}
        advertised = [f"PLAINTEXT://{HOST}:{node.port}"]
        advertised += [f"{link.name}://{link.advertised_host}:{link.advertised_port}" for link in links]
        if node.controller_link_port:
            advertised.append(f"CONTROLLER://{HOST}:{node.controller_link_port}")
        return {
            "inter.broker.listener.name": next(
                (link.name for link in links if link.between_brokers), "PLAINTEXT"
            ),
            "listeners": ",".join(f"{name}://{HOST}:{port}" for name, port in listeners.items()),
            "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in listeners),
            "advertised.listeners": ",".join(advertised),
        }

    @property
    def _data(self) -> Path:
        return self.directory / self.name

    @property
    def _properties_file(self) -> Path:
        return self.directory / f"{self.name}.properties"

    @property
    def _principals_file(self) -> Path:
        return self.directory / f"{self.name}.principals"

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


def cluster(
    *, directory: Path, nodes: Sequence[Node], classpath: str, security: KafkaSecurity | None = None
) -> tuple[Broker, ...]:
    """Describe the brokers of one cluster that keeps its files in `directory`."""
    return tuple(
        Broker(node=n, nodes=nodes, directory=directory, classpath=classpath, security=security)
        for n in nodes
    )


async def brokers_seen(bootstrap: str, security: KafkaSecurity | None = None) -> frozenset[int]:
    """Ids of the brokers that the cluster's metadata names; empty while nobody answers."""
    login = security.client() if security else {}
    client = AIOKafkaClient(bootstrap_servers=bootstrap, request_timeout_ms=2_000, **login)
    try:
        await client.bootstrap()
        return frozenset(broker.nodeId for broker in client.cluster.brokers())
    except KafkaError:
        return frozenset()
    finally:
        await client.close()
