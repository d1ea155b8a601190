import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.changefeed.position import BadPositionError, Position

POSITIONS = st.dictionaries(
    st.tuples(st.sampled_from(["orders", "products"]), st.integers(0, 11)), st.integers(1, 2**62), min_size=1
)


@given(POSITIONS)
def test_a_position_written_and_read_stands_where_it_stood(offsets: dict[tuple[str, int], int]) -> None:
    read = Position.parse(str(Position(offsets)))
    assert {each: read.next_offset(each) for each in offsets} == offsets


def test_a_position_is_short_and_readable() -> None:
    position = Position({("products", 0): 7, ("orders", 2): 9, ("orders", 0): 12})
    assert str(position) == "orders:12.0.9,products:7"


@pytest.mark.parametrize(
    "text",
    ["", "orders", "orders:", "orders:1.", "orders:-1", "orders:1;x", "orders:1\nid: 2", "orders:\u0661"],
)
def test_what_no_position_wrote_is_refused(text: str) -> None:
    with pytest.raises(BadPositionError):
        Position.parse(text)


def test_a_position_only_moves_forward() -> None:
    position = Position({("orders", 0): 5})
    assert not position.advance(("orders", 0), 5)
    assert position.advance(("orders", 0), 6)
    assert position.next_offset(("orders", 0)) == 6


def test_a_position_covers_another_that_is_nowhere_further() -> None:
    position = Position({("orders", 0): 5, ("orders", 1): 5})
    assert position.covers(Position({("orders", 0): 5}))
    assert not position.covers(Position({("orders", 0): 1, ("orders", 2): 1}))


def test_a_copy_goes_its_own_way() -> None:
    position = Position({("orders", 0): 5})
    position.copy().advance(("orders", 0), 9)
    assert position.next_offset(("orders", 0)) == 5
