"""Spans are OpenTelemetry's, recorded when its variables ask for them."""

import pytest
from opentelemetry.trace import SpanKind, StatusCode

from order_service import telemetry
from tests.support.spans import REQUEST, UNRECORDED, recording


@pytest.mark.parametrize(
    ("environment", "exporters"),
    [
        ({}, ()),
        ({"OTEL_SERVICE_NAME": "x"}, ()),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"}, ("otlp_proto_http",)),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://h:4318/v1/traces"}, ("otlp_proto_http",)),
        ({"OTEL_TRACES_EXPORTER": "zipkin,console"}, ("zipkin_json", "console")),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://h:4318"}, ()),
        ({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, ()),
    ],
)
def test_the_standard_variables_say_where_traces_go(
    environment: dict[str, str], exporters: tuple[str, ...]
) -> None:
    assert telemetry.wanted(environment) == exporters


def test_an_exporter_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "carrier-pigeon")
    with pytest.raises(telemetry.TelemetryError, match="carrier-pigeon is not installed"):
        telemetry.start("order-service")


def test_while_nothing_is_recorded_a_span_hands_its_parent_on() -> None:
    with telemetry.begin("work", parent=REQUEST, kind="server", attributes={"a": 1}) as span:
        span.rename("other")
        span.set({"b": 2})
        span.fail("x")
    assert span.traceparent == REQUEST


def test_a_span_is_a_child_of_the_traceparent_that_it_is_given() -> None:
    with recording(telemetry) as recorded:
        with telemetry.begin("outer", parent=REQUEST, kind="server") as outer:
            telemetry.record("inner", parent=outer.traceparent, began_ns=5, ended_ns=7, links=[REQUEST])
        inner = recorded.named("inner")
        assert recorded.tree() == {("outer", REQUEST[36:52]), ("inner", "outer")}
    assert recorded.named("outer").kind is SpanKind.SERVER
    assert (inner.start_time, inner.end_time) == (5, 7)
    assert [f"{link.context.span_id:016x}" for link in inner.links] == [REQUEST[36:52]]
    assert outer.traceparent[3:35] == REQUEST[3:35]


def test_a_span_without_a_parent_begins_a_trace() -> None:
    with recording(telemetry) as recorded:
        telemetry.begin("first", parent="").end()
    assert recorded.tree() == {("first", None)}


def test_what_the_caller_does_not_record_is_not_recorded_and_its_trace_goes_on() -> None:
    with recording(telemetry) as recorded, telemetry.begin("work", parent=UNRECORDED) as span:
        pass
    assert recorded.spans == ()
    assert (span.traceparent[3:35], span.traceparent[-2:]) == (REQUEST[3:35], "00")


def test_an_error_that_leaves_a_span_is_told_by_it() -> None:
    with (
        recording(telemetry) as recorded,
        pytest.raises(ZeroDivisionError),
        telemetry.begin("work", parent=REQUEST),
    ):
        raise ZeroDivisionError("nothing to divide")
    work = recorded.named("work")
    assert work.status.status_code is StatusCode.ERROR
    assert (work.status.description, (work.attributes or {})["error.type"]) == (
        "nothing to divide",
        "ZeroDivisionError",
    )


@pytest.mark.parametrize(
    ("text", "sampled"),
    [(REQUEST, True), (UNRECORDED, False), ("", False), ("00-x", False), (REQUEST + "\n", False)],
)
def test_only_a_well_formed_traceparent_whose_sender_records_is_sampled(text: str, *, sampled: bool) -> None:
    assert telemetry.is_sampled(text) is sampled
