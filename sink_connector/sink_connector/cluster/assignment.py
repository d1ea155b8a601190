"""Which worker of a group runs what. Every worker works it out alone from the same lists, so nothing has to be agreed on.

A task is only a seat in the connector's consumer group: the partitions are dealt out by Kafka, and the epoch fence keeps
them apart. So two workers that see different lists for a moment do no harm, they only hold a seat too many.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from hashlib import blake2b


def ranking(connector: str, workers: Sequence[str]) -> list[str]:
    """The workers in an order of this connector's own (rendezvous hashing): most keep their place when one comes or goes."""

    def weight(worker: str) -> bytes:
        return blake2b(f"{connector}\0{worker}".encode(), digest_size=8).digest()

    return sorted(workers, key=lambda worker: (weight(worker), worker))


@lru_cache(maxsize=4)
def leads(connectors: tuple[str, ...], workers: tuple[str, ...]) -> Mapping[str, str]:
    """The worker of each connector's task 0: the first in its ranking that has room, so that the shares differ by one at most.

    It depends on names alone: nothing moves because a connector is stopped, paused or given more tasks.
    """
    room, extra = divmod(len(connectors), len(workers))
    held: Counter[str] = Counter()
    lead = {}
    for connector in sorted(connectors):
        most = room + (extra > 0)
        lead[connector] = next(worker for worker in ranking(connector, workers) if held[worker] < most)
        held[lead[connector]] += 1
        extra -= held[lead[connector]] > room
    return lead


def worker_of(connector: str, task: int, *, connectors: Sequence[str], workers: Sequence[str]) -> str:
    """The worker that runs a task: the tasks of a connector are dealt round, beginning with the one that leads it.

    Task 0's worker also vouches for the connector itself. A connector that is gone is led by the first in its ranking.
    """
    ranked = ranking(connector, workers)
    lead = leads(tuple(connectors), tuple(workers)).get(connector, ranked[0])
    return ranked[(ranked.index(lead) + task) % len(ranked)]
