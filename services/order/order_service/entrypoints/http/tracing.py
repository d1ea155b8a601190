"""W3C trace context: taken from the request or made, carried into events and logs."""

import secrets
from contextvars import ContextVar

from order_service.telemetry import TRACEPARENT

_current: ContextVar[str] = ContextVar("traceparent", default="")


def received(sent: str | None) -> str:
    """The trace that a request was sent with; empty when there is none, or none that is well formed."""
    return sent if sent is not None and TRACEPARENT.fullmatch(sent) else ""


def begin(trace: str) -> str:
    """The trace of the request being handled: `trace`, or a new one when that is empty."""
    trace = trace or new()
    _current.set(trace)
    return trace


def new() -> str:
    """A new, sampled trace, as `traceparent` has it."""
    digits = secrets.token_hex(24)
    return f"00-{digits[:32]}-{digits[32:]}-01"


def current() -> str:
    """The trace of the request being handled; a new one outside of any."""
    return _current.get() or new()


def id_of(trace: str) -> str:
    """The trace's id, as logs and trace stores have it: 32 hexadecimal digits."""
    return trace[3:35]
