"""Java's `Date` counts milliseconds; Connect's Date, Time and Timestamp stand here as date, time and datetime."""

from datetime import UTC, date, datetime, time, timedelta

from sink_connector.transforms.data import UnfitRecordError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_MS = 86_400_000
_MS = timedelta(milliseconds=1)


def millis_of(value: datetime | date | time) -> int:
    """Milliseconds since 1970-01-01 UTC; a time counts from midnight."""
    match value:
        case datetime():
            return (value - EPOCH) // _MS
        case date():
            return (value.toordinal() - EPOCH.toordinal()) * DAY_MS
        case time():
            seconds = (value.hour * 60 + value.minute) * 60 + value.second
            return seconds * 1000 + value.microsecond // 1000


def instant(millis: int) -> datetime:
    """Raises `UnfitRecordError` outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(milliseconds=millis)
    except OverflowError:
        raise UnfitRecordError(f"{millis} ms since 1970 lie outside the years 1 to 9999") from None
