"""A job that runs once at every start loads none of what only a server needs."""

import subprocess
import sys

import pytest

SERVING = {"aiokafka", "fastapi", "httpx", "uvicorn"}


@pytest.mark.parametrize(
    "modules",
    [
        "order_service.__main__, order_service.adapters.schema",
        "catalog_service.__main__, catalog_service.read_model.migrate",
        "sink_connector.__main__, sink_connector.cli.init",
    ],
)
def test_a_migration_loads_no_server(modules: str) -> None:
    program = f"import {modules}, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout
    assert not SERVING & set(loaded.split())
