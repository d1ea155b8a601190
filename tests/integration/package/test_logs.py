"""What the services write to standard output: JSON lines of their own events, and of the libraries' warnings."""

import json
import subprocess
import sys
from typing import Any

import pytest

SERVICES = ("order_service", "catalog_service")


def written(service: str, program: str, *, level: str = "INFO") -> list[dict[str, Any]]:
    """The lines of a process that has configured the service's logs."""
    source = f"""
import logging, structlog
from {service}.logs import configure_logs
configure_logs({level!r})
own, library = structlog.get_logger(), logging.getLogger("library")
{program}
"""
    lines = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in lines.stdout.splitlines()]


@pytest.mark.parametrize("service", SERVICES)
def test_own_events_are_told_from_the_level_on_and_libraries_when_something_is_wrong(service: str) -> None:
    program = """
own.debug("a.passed")
own.info("b.done", rows=1)
library.info("c")
library.warning("d %s", 1)
"""
    lines = written(service, program)
    assert [(line["event"], line["level"], line.get("logger")) for line in lines] == [
        ("b.done", "info", None),
        ("d 1", "warning", "library"),
    ]
    assert lines[0]["rows"] == 1
    assert [line["event"] for line in written(service, program, level="debug")][:2] == ["a.passed", "b.done"]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("log", ["own", "library"])
def test_an_exception_is_one_line_with_its_traceback(service: str, log: str) -> None:
    (line,) = written(
        service, f"try:\n    1 / 0\nexcept ZeroDivisionError:\n    {log}.exception('work.failed')"
    )
    assert line["event"] == "work.failed"
    assert "ZeroDivisionError" in line["exception"]
