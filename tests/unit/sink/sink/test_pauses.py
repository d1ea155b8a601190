"""When a way that failed is tried again."""

from sink_connector.sink.pauses import LONGEST_PAUSE, Pauses
from sink_connector.sink.table_metadata import TableName

TABLE, OTHER = TableName("public", "t"), TableName("public", "other")


def passed_over(pauses: Pauses) -> int:
    """Batches until it is to be tried again."""
    count = 0
    while not pauses.is_over(TABLE):
        count += 1
    return count


def test_each_failure_doubles_the_pause_up_to_a_longest_one() -> None:
    pauses = Pauses()
    lengths = []
    for _ in range(12):
        pauses.failed(TABLE)
        lengths.append(passed_over(pauses))
    assert lengths[:3] == [2, 4, 8]
    assert max(lengths) == lengths[-1] == LONGEST_PAUSE


def test_a_success_makes_the_next_pause_short_again() -> None:
    pauses = Pauses()
    for _ in range(3):
        pauses.failed(TABLE)
        passed_over(pauses)
    pauses.worked(TABLE)
    pauses.failed(TABLE)
    assert passed_over(pauses) == 2


def test_tables_do_not_pause_for_each_other() -> None:
    pauses = Pauses()
    pauses.failed(TABLE)
    assert pauses.is_over(OTHER)
    assert not pauses.is_over(TABLE)
