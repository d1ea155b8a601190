"""`sink-connector run FILE.json…`: the connectors of files, in one process, until it is stopped."""

import argparse

import uvloop

from sink_connector.bootstrap import run_connectors
from sink_connector.config.file import read_connector_file
from sink_connector.config.worker import read_worker
from sink_connector.logs import configure_logging
from sink_connector.runtime.connector_definition import define_connector


def run(options: argparse.Namespace) -> int:
    config = read_worker()
    configure_logging(config.log_level, config.providers.redactor)
    connectors = [
        define_connector(read_connector_file(path), config, config.providers.unrestricted())
        for path in options.files
    ]
    return uvloop.run(run_connectors(config, connectors))
