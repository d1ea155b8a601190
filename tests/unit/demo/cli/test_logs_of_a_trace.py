"""`./demo logs --trace ID`: the lines of one trace, whoever wrote them, in the order of time."""

import argparse
import json
from pathlib import Path

import pytest

from demo.cli import logs
from tests.support.spans import REQUEST

ID = REQUEST[3:35]


def line(second: int, event: str, trace_id: str = ID) -> str:
    return json.dumps({"event": event, "timestamp": f"2026-11-29T10:00:{second:02d}Z", "trace_id": trace_id})


def test_the_lines_of_all_parts_come_in_the_order_of_time_and_others_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "order-1.log").write_text(f"{line(3, 'c')}\n{line(1, 'a')}\n{line(2, 'x', 'f' * 32)}\n")
    (tmp_path / "sink.log").write_text(
        f"{line(2, 'b')}\nplain text about {ID}\n{json.dumps([ID])}\n{json.dumps({'event': ID})}\n"
    )
    found = logs.of_trace(sorted(tmp_path.iterdir()), ID)
    assert [(each[:7].rstrip(), json.loads(each.partition("│ ")[2])["event"]) for each in found] == [
        ("order-1", "a"),
        ("sink", "b"),
        ("order-1", "c"),
    ]


@pytest.mark.parametrize("given", [ID, ID.upper(), REQUEST])
def test_a_trace_is_named_by_its_id_or_by_its_traceparent(given: str) -> None:
    parser = argparse.ArgumentParser()
    logs.add_arguments(parser)
    assert parser.parse_args(["--trace", given]).trace == ID


def test_what_is_no_trace_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    logs.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["--trace", "order-1-01J"])
    assert "32 hexadecimal digits" in capsys.readouterr().err
