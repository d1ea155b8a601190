"""Which worker runs what: even, the same everywhere, and steady when workers come and go."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from sink_connector.worker.sharing import ranking, worker_of

WORKERS = st.lists(st.from_regex(r"[a-z]{1,8}:\d{4}", fullmatch=True), min_size=1, max_size=8, unique=True)


@given(workers=WORKERS, tasks=st.integers(1, 40), connector=st.text(min_size=1))
def test_shares_of_a_connector_differ_by_one_task_at_most(
    workers: list[str], tasks: int, connector: str
) -> None:
    shares = Counter(worker_of(connector, task, workers) for task in range(tasks))
    counts = [shares[worker] for worker in workers]
    assert max(counts) - min(counts) <= 1


@given(workers=WORKERS, connector=st.text(min_size=1))
def test_every_worker_comes_to_the_same_whatever_the_order_of_its_list(
    workers: list[str], connector: str
) -> None:
    assert ranking(connector, workers) == ranking(connector, workers[::-1])


@given(workers=WORKERS, newcomer=st.just("newcomer:1"), connector=st.text(min_size=1))
def test_a_newcomer_leaves_the_others_in_their_order(
    workers: list[str], newcomer: str, connector: str
) -> None:
    after = ranking(connector, [*workers, newcomer])
    assert [worker for worker in after if worker != newcomer] == ranking(connector, workers)
