"""`sink-connector run FILE.json…`: the connectors of files, in one process, until it is stopped."""

import argparse
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import uvloop

from sink_connector import telemetry
from sink_connector.bootstrap import run_connectors
from sink_connector.cli.files import of_each
from sink_connector.config.file import read_connector_file
from sink_connector.config.worker import WorkerConfig, read_worker
from sink_connector.logs import configure_logging
from sink_connector.runtime.connector_definition import ConnectorDefinition, define_connector


def run(options: argparse.Namespace) -> int:
    """0 when it was stopped, 1 when a task has failed.

    Raises:
        ConfigError: A file cannot be used, or two have the same connector.
    """
    config = read_worker()
    configure_logging(config.log_level, config.providers.redactor)
    connectors = of_each(
        options.files, partial(_defined, worker=config), name_of=lambda each: each[1].config.name
    )
    telemetry.start("sink-connector")
    return uvloop.run(run_connectors(config, connectors))


def _defined(file: Path, worker: WorkerConfig) -> tuple[Mapping[str, str], ConnectorDefinition]:
    """The configuration as it was written, and what it comes to. Raises `ConfigError`."""
    given = read_connector_file(file)
    return given, define_connector(given, worker, worker.providers.unrestricted())
