"""Which worker of a group runs what. Every worker works it out alone from the same list, so nothing has to be agreed on.

A task is only a seat in the connector's consumer group: the partitions are dealt out by Kafka, and the epoch fence keeps
them apart. So two workers that see different lists for a moment do no harm, they only hold a seat too many.
"""

from collections.abc import Sequence
from hashlib import blake2b


def ranking(connector: str, workers: Sequence[str]) -> list[str]:
    """The workers in an order of this connector's own (rendezvous hashing): most keep their place when one comes or goes."""

    def weight(worker: str) -> bytes:
        return blake2b(f"{connector}\0{worker}".encode(), digest_size=8).digest()

    return sorted(workers, key=lambda worker: (weight(worker), worker))


def worker_of(connector: str, task: int, workers: Sequence[str]) -> str:
    """The worker that runs a task: the tasks of a connector are dealt round, so that the workers' shares differ by one at most.

    Task 0's worker also vouches for the connector itself.
    """
    ranked = ranking(connector, workers)
    return ranked[task % len(ranked)]
