"""What a worker shares with the others of its group, or has to itself when it is alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sink_connector.cluster.change_signal import ChangeSignal
from sink_connector.cluster.compacted_topic import CompactedTopic
from sink_connector.cluster.config_store import ConfigStore
from sink_connector.cluster.keyed_log import LocalLog, Log
from sink_connector.cluster.membership import KafkaMembership, Membership, SingleMember
from sink_connector.cluster.status_store import StatusStore
from sink_connector.config.worker import WorkerConfig

SetLevel = Callable[[str, str], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The members, the connectors asked for and what is said of them. `signal` tells of every change of these."""

    membership: Membership
    configs: ConfigStore
    statuses: StatusStore
    signal: ChangeSignal

    @classmethod
    def local(cls, config: WorkerConfig, *, set_level: SetLevel) -> "Cluster":
        """Of a worker that is alone; it forgets everything with its process."""
        return cls._of(SingleMember(config.advertised), (LocalLog(), LocalLog()), ChangeSignal(), set_level)

    @classmethod
    def of_kafka(cls, config: WorkerConfig, *, client: Mapping[str, Any], set_level: SetLevel) -> "Cluster":
        """Of the workers of one group, which share two compacted topics."""
        signal = ChangeSignal()
        logs = CompactedTopic(config.configs, client=client), CompactedTopic(config.statuses, client=client)
        return cls._of(KafkaMembership(config, client=client, signal=signal), logs, signal, set_level)

    @classmethod
    def _of(
        cls, membership: Membership, logs: tuple[Log, Log], signal: ChangeSignal, set_level: SetLevel
    ) -> "Cluster":
        return cls(
            membership=membership,
            configs=ConfigStore(logs[0], signal, set_level),
            statuses=StatusStore(logs[1], signal),
            signal=signal,
        )
