"""A connector's file."""

import json
from pathlib import Path

from sink_connector.errors import ConfigError


def read_connector_file(path: Path) -> dict[str, str]:
    """A connector file: `{"name": …, "config": {…}}` as for Connect's REST, or the bare configuration.

    Raises `ConfigError`.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError({str(path): [f"cannot be read: {error}"]}) from error
    given = dict(content.get("config", content))
    if "name" in content:
        given.setdefault("name", content["name"])
    return {key: str(value) for key, value in given.items()}
