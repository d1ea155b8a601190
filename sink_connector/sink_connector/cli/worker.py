"""`sink-connector worker [FILE.properties]`: one of a group of workers, told over REST what to run, until it is stopped."""

import argparse

import uvloop

from sink_connector.bootstrap import run_worker
from sink_connector.config.worker import read_worker
from sink_connector.logs import configure_logging


def run(options: argparse.Namespace) -> int:
    config = read_worker(file=options.properties)
    configure_logging(config.log_level, config.providers.redactor)
    return uvloop.run(run_worker(config))
