"""A job that runs once at every start loads none of what only a server needs, nor a server what only a migration does."""

import subprocess
import sys

import pytest

SERVING = {"aiokafka", "fastapi", "httpx", "uvicorn"}
MIGRATING = {"alembic", "sqlalchemy"}


@pytest.mark.parametrize(
    "modules",
    [
        "order_service.__main__, order_service.adapters.schema",
        "catalog_service.__main__, catalog_service.read_model.migrate",
        "sink_connector.__main__, sink_connector.cli.init",
    ],
)
def test_a_migration_loads_no_server(modules: str) -> None:
    assert not SERVING & _loaded(modules)


@pytest.mark.parametrize(
    "modules",
    [
        "order_service.__main__, order_service.bootstrap, order_service.entrypoints.server",
        "catalog_service.__main__, catalog_service.bootstrap, catalog_service.serving",
        "sink_connector.__main__, sink_connector.bootstrap, sink_connector.serving",
    ],
)
def test_a_server_loads_nothing_of_a_migration(modules: str) -> None:
    """What it loads is a part of how long it is away after it was killed."""
    assert not MIGRATING & _loaded(modules)


def _loaded(modules: str) -> set[str]:
    program = f"import {modules}, sys; print(*sys.modules)"
    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(printed.stdout.split())
