"""Which worker runs what: even, the same everywhere, and steady when workers come and go."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sink_connector.cluster.assignment import leads, ranking, worker_of

NUMBERS = st.integers(0, 9_999)
NAMES = st.lists(NUMBERS.map("connector-{}".format), min_size=1, max_size=12, unique=True)
WORKERS = st.lists(NUMBERS.map("worker-{}:8083".format), min_size=1, max_size=8, unique=True)


@given(workers=WORKERS, tasks=st.integers(1, 40), names=NAMES)
def test_shares_of_a_connector_differ_by_one_task_at_most(
    workers: list[str], tasks: int, names: list[str]
) -> None:
    shares = Counter(worker_of(names[0], task, connectors=names, workers=workers) for task in range(tasks))
    counts = [shares[worker] for worker in workers]
    assert max(counts) - min(counts) <= 1


@given(workers=WORKERS, names=NAMES)
def test_shares_of_connectors_with_one_task_differ_by_one_at_most(
    workers: list[str], names: list[str]
) -> None:
    shares = Counter(worker_of(name, 0, connectors=names, workers=workers) for name in names)
    counts = [shares[worker] for worker in workers]
    assert max(counts) - min(counts) <= 1


@given(workers=WORKERS, names=NAMES, task=st.integers(0, 40))
def test_every_worker_comes_to_the_same_whatever_the_order_of_its_lists(
    workers: list[str], names: list[str], task: int
) -> None:
    assert leads(tuple(names), tuple(workers)) == leads(tuple(names[::-1]), tuple(workers[::-1]))
    one = worker_of(names[0], task, connectors=names, workers=workers)
    assert one == worker_of(names[0], task, connectors=names[::-1], workers=workers[::-1])


@given(workers=WORKERS, names=NAMES)
def test_a_connector_that_is_gone_has_a_worker_to_say_so(workers: list[str], names: list[str]) -> None:
    assert worker_of(names[0], 0, connectors=names[1:], workers=workers) in workers


@given(workers=WORKERS, newcomer=st.just("newcomer:1"), connector=st.text(min_size=1))
def test_a_newcomer_leaves_the_others_in_their_order(
    workers: list[str], newcomer: str, connector: str
) -> None:
    after = ranking(connector, [*workers, newcomer])
    assert [worker for worker in after if worker != newcomer] == ranking(connector, workers)
