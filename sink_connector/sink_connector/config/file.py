"""A connector's file."""

import json
from pathlib import Path

from sink_connector.errors import ConfigError


def read_connector_file(path: Path) -> dict[str, str]:
    """A connector file: `{"name": …, "config": {…}}` as for Connect's REST, or the bare configuration.

    Raises:
        ConfigError: It cannot be read, or is no configuration.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError({str(path): [f"cannot be read: {error.strerror}"]}) from error
    except RecursionError:
        raise ConfigError({str(path): ["cannot be read: it is nested too deep"]}) from None
    except ValueError as error:
        raise ConfigError({str(path): [f"cannot be read: {error}"]}) from error
    given = content.get("config", content) if isinstance(content, dict) else None
    if not isinstance(given, dict):
        raise ConfigError({str(path): ['must hold an object: {"name": …, "config": {…}}']})
    if "name" in content:
        given = {"name": content["name"], **given}
    return {key: _text(value) for key, value in given.items() if value is not None}


def _text(value: object) -> str:
    """As it would be written in a properties file."""
    return str(value).lower() if isinstance(value, bool) else str(value)
