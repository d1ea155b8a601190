"""`sink-connector validate FILE.json…`: what is wrong with a configuration, before anything is started."""

# ruff: noqa: T201 - it speaks to a person

import argparse
from pathlib import Path

from sink_connector.config.connector import warnings_of
from sink_connector.config.file import read_connector_file
from sink_connector.config.parser import ignored_keys
from sink_connector.config.worker import WorkerConfig, read_worker
from sink_connector.errors import ConfigError
from sink_connector.runtime.connector_definition import define_connector


def run(options: argparse.Namespace) -> int:
    """0 when every file can be used, 2 when one cannot. Values are never shown but in the message of their own key."""
    worker = read_worker()
    names: dict[str, Path] = {}
    usable = [_check(path, worker, names) for path in options.files]
    return 0 if all(usable) else 2


def _check(path: Path, worker: WorkerConfig, names: dict[str, Path]) -> bool:
    try:
        given = read_connector_file(path)
        for key, why in ignored_keys(given).items():
            print(f"{path}: warning: {key} {why}")
        config = define_connector(given, worker, worker.providers.unrestricted()).config
    except ConfigError as error:
        for key, problems in error.problems.items():
            for problem in problems:
                print(f"{path}: error: {key} {problem}")
        return False
    if config.name in names:
        print(f"{path}: error: name is {config.name!r}, and so it is in {names[config.name]}")
        return False
    names[config.name] = path
    for warning in warnings_of(config):
        print(f"{path}: warning: {warning}")
    print(f"{path}: ok")
    return True
