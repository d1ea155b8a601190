"""`sink-connector deploy FILE.json… --url URL`: the connectors of files, given to a worker."""

import argparse

from sink_connector.cli.deployment import Access, deploy
from sink_connector.config.file import read_connector_file


def run(options: argparse.Namespace) -> int:
    """0 once every task runs. Raises `DeployError`, and `ConfigError` for a file or URL that is none."""
    deploy(
        [read_connector_file(path) for path in options.files],
        url=options.url,
        wait_s=options.wait,
        access=Access.from_environment(),
    )
    return 0
