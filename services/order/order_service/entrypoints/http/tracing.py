"""W3C trace context: taken from the request or made, carried into events and logs."""

import re
import secrets
from contextvars import ContextVar

_TRACEPARENT = re.compile(r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
_current: ContextVar[str] = ContextVar("traceparent", default="")


def begin(sent: str | None) -> str:
    """The trace of the request being handled: the one `sent`, if it is well formed, or a new one."""
    trace = sent if sent is not None and _TRACEPARENT.match(sent) else new()
    _current.set(trace)
    return trace


def new() -> str:
    """A new, sampled trace, as `traceparent` has it."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def current() -> str:
    """The trace of the request being handled; a new one outside of any."""
    return _current.get() or new()
