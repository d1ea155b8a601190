"""A part that is not asked for traces does not even load OpenTelemetry; one that is sends them."""

import subprocess
import sys

import pytest

from tests.support.spans import REQUEST

PARTS = {
    "order_service": "order_service.__main__, order_service.bootstrap, order_service.entrypoints.server",
    "catalog_service": "catalog_service.__main__, catalog_service.serving",
    "sink_connector": "sink_connector.__main__, sink_connector.cli.worker, sink_connector.cli.dead_letters",
}


@pytest.mark.parametrize("part", PARTS)
def test_a_part_loads_no_sdk_unless_it_is_asked_for_traces(part: str) -> None:
    program = (
        f"import sys, {PARTS[part]}; from {part} import telemetry; telemetry.start('x'); "
        "print(telemetry.is_on(), [name for name in sys.modules if name.startswith('opentelemetry.sdk')])"
    )
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "[]"]


def test_a_part_that_is_asked_for_traces_sends_what_is_pending_when_it_ends() -> None:
    program = (
        "from order_service import telemetry; telemetry.start('order-service', instance='order-1'); "
        f"telemetry.begin('work', parent='{REQUEST}').end()"
    )
    asked = {"OTEL_TRACES_EXPORTER": "console"}
    done = subprocess.run(
        [sys.executable, "-c", program], env=asked, capture_output=True, text=True, check=True
    )
    for expected in ('"name": "work"', '"service.name": "order-service"', '"service.instance.id": "order-1"'):
        assert expected in done.stdout
    assert REQUEST[3:35] in done.stdout
