"""`sink-connector deploy FILE.json… --url URL`: the connectors of files, given to a worker."""

import argparse
from pathlib import Path

from sink_connector.cli.deployment import Access, deploy
from sink_connector.cli.files import of_each
from sink_connector.config.file import read_connector_file
from sink_connector.errors import ConfigError


def run(options: argparse.Namespace) -> int:
    """0 once every task runs. Raises `DeployError`, and `ConfigError` for a file or URL that is none."""
    deploy(
        of_each(options.files, _read, name_of=lambda config: config["name"]),
        url=options.url,
        wait_s=options.wait,
        access=Access.from_environment(),
    )
    return 0


def _read(file: Path) -> dict[str, str]:
    config = read_connector_file(file)
    if not config.get("name"):
        raise ConfigError({"name": ["is required"]})
    return config
