"""Connect's Date, Time and Timestamp in Python, exact to the microsecond.

They stand as `date`, `time` and `datetime` (aware, UTC). Python's types end with the year 9999 and at 23:59:59, PostgreSQL's
do not: a value beyond is a `timedelta` since the same zero (1970-01-01 UTC, or midnight); the longest and the shortest one
are the dates `infinity` and `-infinity`.
"""

from datetime import UTC, date, datetime, time, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EPOCH_DAY = date(1970, 1, 1)
EPOCH_2000_US = 946_684_800_000_000  # PostgreSQL counts instants in microseconds since 2000-01-01
DAY_MS = 86_400_000
DAY_US = DAY_MS * 1000
CYCLE_YEARS = 400  # after which the calendar repeats itself
CYCLE_US = 146_097 * DAY_US
MICROSECOND = timedelta(microseconds=1)

# What Debezium's connector for PostgreSQL sends for `infinity` and `-infinity` (its driver's PGStatement.DATE_POSITIVE_INFINITY
# and DATE_NEGATIVE_INFINITY in microseconds; days as they overflow in it, out of the log and of a snapshot), and what
# PostgreSQL has for them in its own unit.
INFINITE_US = {9_223_372_036_825_200_000: 2**63 - 1, -9_223_372_036_832_400_000: -(2**63)}
INFINITE_DAYS = {
    **dict.fromkeys((-2_147_472_692, -622_191_234), 2**31 - 1),
    **dict.fromkeys((-2_147_472_691, -625_821_272), -(2**31)),
}

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
    if days in INFINITE_DAYS:
        return timedelta.max if INFINITE_DAYS[days] > 0 else timedelta.min
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


def timestamp_text(micros: int) -> str:
    """The Timestamp so many microseconds after 1970-01-01 UTC as PostgreSQL reads it, of any year: `0044-03-15 10:00:00+00:00 BC`."""
    cycles, rest = divmod(micros, CYCLE_US)
    near = EPOCH + timedelta(microseconds=rest)
    year = near.year + cycles * CYCLE_YEARS
    return f"{year if year > 0 else 1 - year:04}{near.isoformat(' ')[4:]}{'' if year > 0 else ' BC'}"


def date_text(days: int) -> str:
    """The Date so many days after 1970-01-01 as PostgreSQL reads it, of any year."""
    if days in INFINITE_DAYS:
        return "infinity" if INFINITE_DAYS[days] > 0 else "-infinity"
    return timestamp_text(days * DAY_US).replace(" 00:00:00+00:00", "")


def time_text(micros: int) -> str:
    """The Time so many microseconds after midnight. Raises `InstantRangeError` for what is none."""
    found = time_of(micros)
    return "24:00:00" if isinstance(found, timedelta) else found.isoformat()


def instant(millis: int) -> datetime:
    """The instant so many milliseconds after 1970-01-01 UTC. Raises `InstantRangeError` outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise InstantRangeError(f"{millis} ms since 1970 lie outside the years 1 to 9999") from None
