"""Instants as PostgreSQL reads them, of any year."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sink_connector.data.instants import (
    EPOCH,
    MICROSECOND,
    InstantRangeError,
    date_text,
    time_text,
    timestamp_text,
)

DAY_US = 86_400_000_000


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_timestamp_of_pythons_years_is_its_iso_text(instant: datetime) -> None:
    assert datetime.fromisoformat(timestamp_text((instant - EPOCH) // MICROSECOND)) == instant


@given(st.dates())
def test_a_date_of_pythons_years_is_its_iso_text(day: date) -> None:
    assert date_text((day - EPOCH.date()).days) == day.isoformat()


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (253_402_300_800_000_000, "10000-01-01 00:00:00+00:00"),
        (3_093_527_980_800_000_001, "100000-01-01 00:00:00.000001+00:00"),
        (-62_135_596_800_000_000 - DAY_US, "0001-12-31 00:00:00+00:00 BC"),
        (-62_198_755_200_000_000, "0002-01-01 00:00:00+00:00 BC"),
    ],
)
def test_a_timestamp_beyond_pythons_years_keeps_its_year(micros: int, text: str) -> None:
    assert timestamp_text(micros) == text


def test_a_date_before_our_era_says_so() -> None:
    assert date_text(-719_893) == "0002-01-01 BC"


def test_midnight_at_the_end_of_a_day_is_a_time_and_a_moment_later_is_none() -> None:
    assert time_text(DAY_US) == "24:00:00"
    assert time_text(timedelta(hours=10) // MICROSECOND) == "10:00:00"
    for micros in (DAY_US + 1, -1):
        with pytest.raises(InstantRangeError):
            time_text(micros)
