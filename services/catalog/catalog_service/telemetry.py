"""Spans by the OpenTelemetry SDK, when its standard variables ask for them; else nothing, not even its import.

They are asked for by `OTEL_TRACES_EXPORTER` (`otlp`, `zipkin`, `console`, or any exporter that is installed) or by
`OTEL_EXPORTER_OTLP_ENDPOINT`; the SDK itself reads the other `OTEL_*` variables. Between parts, threads and tasks a
span's context goes as W3C `traceparent`, the text that requests, records and logs carry anyway.
"""

import os
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Literal, Self

if TYPE_CHECKING:
    from opentelemetry import trace as otel
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import SpanProcessor

Kind = Literal["internal", "server", "client", "producer", "consumer"]
Attributes = Mapping[str, str | int | float | bool]

TRACEPARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_EXPORTERS = {"otlp": "otlp_proto_http", "zipkin": "zipkin_json"}
_tracer: "otel.Tracer | None" = None


class TelemetryError(RuntimeError):
    """The environment asks for traces that cannot be made; the message says what is missing."""


def wanted(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The names of the exporters that the environment asks for, as the SDK's entry points have them."""
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return ()
    asked = environment.get("OTEL_TRACES_EXPORTER") or (
        "otlp" if any(environment.get(name) for name in _ENDPOINTS) else ""
    )
    names = (name.strip() for name in asked.split(","))
    return tuple(_EXPORTERS.get(name, name) for name in names if name not in {"", "none"})


def start(service: str, *, instance: str = "") -> None:
    """Record spans from now on, if the environment asks for them; what is pending at the end is sent at exit.

    Raises:
        TelemetryError: the SDK or the exporter is not installed.
    """
    if not (exporters := wanted()):
        return
    try:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 - see above
    except ImportError as error:
        raise TelemetryError(f"traces are asked for: install {service}[otel], or unset OTEL_*") from error
    found = {each.name: each for each in entry_points(group="opentelemetry_traces_exporter")}
    if missing := [name for name in exporters if name not in found]:
        raise TelemetryError(f"OTEL_TRACES_EXPORTER: {', '.join(missing)} is not installed")
    record_to(service, instance, [BatchSpanProcessor(found[name].load()()) for name in exporters])


def record_to(service: str, instance: str, processors: "Iterable[SpanProcessor]") -> None:
    """Have `processors` get every span from now on. `OTEL_SERVICE_NAME` counts more than `service`."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - costs 0.2 s
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 - likewise

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": service}
    provider = TracerProvider(
        resource=Resource.create(named | ({"service.instance.id": instance} if instance else {}))
    )
    for processor in processors:
        provider.add_span_processor(processor)
    global _tracer  # noqa: PLW0603 - one process, one tracer
    _tracer = provider.get_tracer(service)


def stop() -> None:
    """Record nothing more."""
    global _tracer  # noqa: PLW0603 - as above
    _tracer = None


def is_on() -> bool:
    """Whether spans are recorded: what is expensive to collect for them need not be otherwise."""
    return _tracer is not None


def is_sampled(traceparent: str) -> bool:
    """Whether it is a well-formed `traceparent` whose sender records the trace."""
    return TRACEPARENT.fullmatch(traceparent) is not None and int(traceparent[-2:], 16) & 1 == 1


def exemplar(traceparent: str) -> dict[str, str] | None:
    """What a histogram says of an observation that belongs to a recorded trace: OpenMetrics' labels of an exemplar."""
    if _tracer is None or not is_sampled(traceparent):
        return None
    return {"trace_id": traceparent[3:35]}


@dataclass(slots=True)
class Span:
    """A piece of work from `begin` to `end` or to the end of a `with`, whose exception it then tells.

    `traceparent` is what its children are to have as their parent; while nothing is recorded, its own parent's.
    """

    traceparent: str
    _span: "otel.Span | None" = None

    def rename(self, name: str) -> None:
        """Call it otherwise, now that more is known."""
        if self._span is not None:
            self._span.update_name(name)

    def set(self, attributes: Attributes) -> None:
        """Say more of it, in the words of the semantic conventions."""
        if self._span is not None:
            self._span.set_attributes(attributes)

    def fail(self, kind: str, detail: str = "") -> None:
        """It has failed: an `error.type`, and in words."""
        if self._span is not None:
            from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 - the SDK is loaded then

            self._span.set_attribute("error.type", kind)
            self._span.set_status(Status(StatusCode.ERROR, detail))

    def end(self, at_ns: int | None = None) -> None:
        """It is done: now, or at nanoseconds since 1970."""
        if self._span is not None:
            self._span.end(at_ns)

    def __enter__(self) -> Self:
        """Begun already."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> None:
        """Done, or failed by an error that goes on."""
        if self._span is not None and kind is not None:
            self.fail(kind.__qualname__, str(error))
        self.end()


def begin(  # noqa: PLR0913 - what a span is made of
    name: str,
    *,
    parent: str,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    links: Iterable[str] = (),
    at_ns: int | None = None,
) -> Span:
    """A span that begins now, or at nanoseconds since 1970; its own trace begins with it when `parent` is empty."""
    if _tracer is None:
        return Span(parent)
    from opentelemetry import trace as otel  # noqa: PLC0415 - the SDK is loaded then

    made = _tracer.start_span(
        name,
        context=_context(parent),
        kind=otel.SpanKind[kind.upper()],
        attributes=attributes,
        links=[otel.Link(_remote(link)) for link in links],
        start_time=at_ns,
    )
    context = made.get_span_context()
    return Span(f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}", made)


def record(  # noqa: PLR0913 - likewise
    name: str,
    *,
    parent: str,
    began_ns: int,
    ended_ns: int | None = None,
    kind: Kind = "internal",
    attributes: Attributes | None = None,
    links: Iterable[str] = (),
) -> Span:
    """A span that is over, from `began_ns` (nanoseconds since 1970) to `ended_ns` or to now."""
    span = begin(name, parent=parent, kind=kind, attributes=attributes, links=links, at_ns=began_ns)
    span.end(max(began_ns, time.time_ns() if ended_ns is None else ended_ns))
    return span


def _context(parent: str) -> "Context":
    from opentelemetry import trace as otel  # noqa: PLC0415 - the SDK is loaded then
    from opentelemetry.context import Context  # noqa: PLC0415 - likewise

    if not parent:
        return Context()
    return otel.set_span_in_context(otel.NonRecordingSpan(_remote(parent)), Context())


def _remote(traceparent: str) -> "otel.SpanContext":
    from opentelemetry import trace as otel  # noqa: PLC0415 - the SDK is loaded then

    return otel.SpanContext(
        trace_id=int(traceparent[3:35], 16),
        span_id=int(traceparent[36:52], 16),
        is_remote=True,
        trace_flags=otel.TraceFlags(int(traceparent[53:55], 16)),
    )
