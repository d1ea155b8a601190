"""Connect's Date, Time and Timestamp in Python, exact to the microsecond.

They stand as `date`, `time` and `datetime` (aware, UTC). Python's types end with the year 9999 and at 23:59:59, PostgreSQL's
do not: a value beyond is a `timedelta` since the same zero (1970-01-01 UTC, or midnight).
"""

from datetime import UTC, date, datetime, time, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)
EPOCH_2000_US = 946_684_800_000_000  # PostgreSQL counts instants in microseconds since 2000-01-01
DAY_MS = 86_400_000
DAY_US = DAY_MS * 1000
MICROSECOND = timedelta(microseconds=1)

Timestamp = datetime | timedelta
Day = date | timedelta
TimeOfDay = time | timedelta


class InstantRangeError(ValueError):
    """A number that is no instant or time of day in any form."""


def timestamp_of(micros: int) -> Timestamp:
    """The Timestamp so many microseconds after 1970-01-01 UTC. Raises `InstantRangeError` beyond a billion days."""
    try:
        since = timedelta(microseconds=micros)
    except OverflowError:
        raise InstantRangeError(f"{micros} µs since 1970 are beyond every calendar") from None
    try:
        return EPOCH + since
    except OverflowError:
        return since


def timestamp_of_millis(millis: int) -> Timestamp:
    """The Timestamp so many milliseconds after 1970-01-01 UTC. Raises as `timestamp_of`."""
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        return timestamp_of(millis * 1000)


def date_of(days: int) -> Day:
    """The Date so many days after 1970-01-01. Raises `InstantRangeError` beyond a billion days."""
    try:
        since = timedelta(days=days)
    except OverflowError:
        raise InstantRangeError(f"{days} days since 1970 are beyond every calendar") from None
    try:
        return EPOCH_DAY + since
    except OverflowError:
        return since


def time_of(micros: int) -> TimeOfDay:
    """The Time so many microseconds after midnight, 24:00:00 included. Raises `InstantRangeError` for any other number."""
    if not 0 <= micros <= DAY_US:
        raise InstantRangeError(f"{micros} µs since midnight are no time of day")
    since = timedelta(microseconds=micros)
    return since if micros == DAY_US else (datetime.min + since).time()  # noqa: DTZ901 - a time of day has no zone


def micros_of(value: datetime | date | time | timedelta) -> int:
    """Microseconds since 1970-01-01 UTC; a time counts from midnight."""
    match value:
        case timedelta():
            return value // MICROSECOND
        case datetime():
            return (value - EPOCH) // MICROSECOND
        case date():
            return (value.toordinal() - EPOCH_DAY.toordinal()) * DAY_US
        case time():
            return ((value.hour * 60 + value.minute) * 60 + value.second) * 1_000_000 + value.microsecond


def millis_of(value: datetime | date | time | timedelta) -> int:
    """Whole milliseconds since 1970-01-01 UTC; a time counts from midnight."""
    return micros_of(value) // 1000


def instant(millis: int) -> datetime:
    """The instant so many milliseconds after 1970-01-01 UTC. Raises `InstantRangeError` outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise InstantRangeError(f"{millis} ms since 1970 lie outside the years 1 to 9999") from None
