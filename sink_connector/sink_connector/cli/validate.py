"""`sink-connector validate FILE.json…`: what is wrong with a configuration, before anything is started."""

import argparse

from sink_connector.config.connector import unknown_keys
from sink_connector.config.file import read_connector_file
from sink_connector.config.worker import read_worker
from sink_connector.errors import ConfigError
from sink_connector.runtime.connector_definition import define_connector


def run(options: argparse.Namespace) -> int:
    """0 when every file can be used, 2 when one cannot. Values are never shown but in the message of their own key."""
    worker = read_worker()
    wrong = False
    for path in options.files:
        try:
            given = read_connector_file(path)
            for key in unknown_keys(given):
                print(f"{path}: warning: {key} is not known; it has no effect")  # noqa: T201 - speaks to a person
            define_connector(given, worker, worker.providers.unrestricted())
        except ConfigError as error:
            wrong = True
            for key, problems in error.problems.items():
                for problem in problems:
                    print(f"{path}: error: {key} {problem}")  # noqa: T201
        else:
            print(f"{path}: ok")  # noqa: T201
    return 2 if wrong else 0
