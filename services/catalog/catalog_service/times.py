"""Times as this system writes them: UTC, milliseconds, RFC 3339."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def rfc3339(time: datetime) -> str:
    """`2026-11-22T17:05:09.042Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_of_ms(milliseconds: int) -> str:
    """The same of milliseconds since 1970.

    Raises:
        OverflowError: outside of the years 1 to 9999.
    """
    return rfc3339(_EPOCH + timedelta(milliseconds=milliseconds))
