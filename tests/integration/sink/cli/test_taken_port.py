"""A worker whose REST port is taken says which setting names another."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.sink_rest import CONNECTOR


@pytest.mark.parametrize("command", ["run", "worker"])
def test_a_taken_port_names_the_setting_and_is_3(tmp_path: Path, command: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        given = {name: value for name, value in os.environ.items() if not name.startswith("SINK_")}
        environment = {**given, "SINK_REST_PORT": str(other.getsockname()[1])}
        file = tmp_path / "c.json"
        file.write_text(json.dumps({"name": "c", "config": CONNECTOR}))
        arguments = [str(file)] if command == "run" else []
        ended = subprocess.run(
            [sys.executable, "-m", "sink_connector", command, *arguments],
            env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 3
    assert "SINK_REST_PORT" in ended.stderr
    assert "Traceback" not in ended.stderr
