"""Times as this system writes them: UTC, milliseconds, RFC 3339."""

from datetime import UTC, datetime


def rfc3339(time: datetime) -> str:
    """`2026-11-22T17:05:09.042Z`."""
    return time.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def rfc3339_of_ms(milliseconds: int) -> str:
    """The same of milliseconds since 1970.

    Raises:
        ValueError, OverflowError, OSError: beyond what a date can say.
    """
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:03d}Z"
