from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from catalog_service.read_model.cursor import BadCursorError, open_cursor, seal_cursor

QUESTION = ("orders", "ada", None, "-placed_at")
HERE = (datetime(2026, 11, 22, 17, 5, 9, 42_001, UTC), "order-2-01JD9Z6Q4W8C3N5T7V9X2B4D6F")


def test_a_cursor_brings_back_the_position_to_the_microsecond() -> None:
    assert open_cursor(QUESTION, seal_cursor(QUESTION, HERE), tuple[datetime, str]) == HERE


@given(st.tuples(st.datetimes(timezones=st.just(UTC)), st.text()))
def test_every_position_survives_the_way_through_a_cursor(position: tuple[datetime, str]) -> None:
    assert open_cursor(QUESTION, seal_cursor(QUESTION, position), tuple[datetime, str]) == position


@pytest.mark.parametrize(
    "other",
    [
        ("products", "ada", None, "-placed_at"),
        ("orders", "bob", None, "-placed_at"),
        (*QUESTION[:3], "placed_at"),
    ],
)
def test_a_cursor_of_another_route_filter_or_sort_is_refused(other: tuple[object, ...]) -> None:
    with pytest.raises(BadCursorError, match="same route, filters and sort"):
        open_cursor(other, seal_cursor(QUESTION, HERE), tuple[datetime, str])


@given(st.data())
def test_a_cursor_with_one_altered_character_is_refused(data: st.DataObject) -> None:
    cursor = seal_cursor(QUESTION, HERE)
    at = data.draw(st.integers(0, len(cursor) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda each: each != cursor[at]))
    with pytest.raises(BadCursorError):
        open_cursor(QUESTION, cursor[:at] + other + cursor[at + 1 :], tuple[datetime, str])


@pytest.mark.parametrize(
    "spell", [lambda each: each + "=", lambda each: each + "\n", lambda each: f" {each}"]
)
def test_a_cursor_is_written_in_one_way(spell: Callable[[str], str]) -> None:
    with pytest.raises(BadCursorError):
        open_cursor(QUESTION, spell(seal_cursor(QUESTION, HERE)), tuple[datetime, str])


@given(st.text())
def test_no_text_but_a_cursor_opens(text: str) -> None:
    with pytest.raises(BadCursorError):
        open_cursor(QUESTION, text, tuple[datetime, str])
