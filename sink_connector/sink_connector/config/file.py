"""A connector's file, and the SQL beside it."""

import json
import re
from pathlib import Path

from sink_connector.errors import ConfigError

SQL_FILE = re.compile(r"projection\.(\w+)\.file")
PLAIN_NAME = re.compile(r"\w[\w.-]*")
MOST_SQL_BYTES = 64 * 1024


def read_connector_file(path: Path) -> dict[str, str]:
    """A connector file: `{"name": …, "config": {…}}` as for Connect's REST, or the bare configuration.

    `projection.<name>.file` names a file in the same folder; `projection.<name>.sql` stands in its place, with its text. No
    worker knows this key: only whoever runs a command has files, never a client of the REST API.

    Raises:
        ConfigError: It cannot be read, or is no configuration; or so with the SQL.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), parse_int=str, parse_float=str)
    except OSError as error:
        raise ConfigError({str(path): [f"cannot be read: {error.strerror}"]}) from error
    except RecursionError:
        raise ConfigError({str(path): ["cannot be read: it is nested too deep"]}) from None
    except ValueError as error:
        raise ConfigError({str(path): [f"cannot be read: {error}"]}) from error
    given = content.get("config", content) if isinstance(content, dict) else None
    if not isinstance(given, dict):
        raise ConfigError({str(path): ['must hold an object: {"name": …, "config": {…}}']})
    if (name := content.get("name")) is not None:
        if given.get("name") not in (None, name):
            raise ConfigError({"name": [f"is {name!r}, and in the configuration {given['name']!r}"]})
        given = {**given, "name": name}
    return dict(
        _with_sql(key, _text(key, value), path.parent) for key, value in given.items() if value is not None
    )


def _with_sql(key: str, value: str, folder: Path) -> tuple[str, str]:
    """A key and its value; where they name a file of `folder`, those that its text stands under."""
    match = SQL_FILE.fullmatch(key)
    if match is None:
        return key, value
    if not PLAIN_NAME.fullmatch(value):
        raise ConfigError({key: [f"is {value!r}, it must be the name of a file in the same folder"]})
    file = folder / value
    try:
        if not file.is_file() or file.stat().st_size > MOST_SQL_BYTES:
            raise ConfigError({key: [f"{file} is no file of at most {MOST_SQL_BYTES // 1024} KB"]})
        return f"projection.{match[1]}.sql", file.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError({key: [f"{file} cannot be read: {error.strerror}"]}) from error
    except UnicodeDecodeError:
        raise ConfigError({key: [f"{file} is not UTF-8"]}) from None


def _text(key: str, value: object) -> str:
    """As it would be written in a properties file. Raises `ConfigError` for what is more than one value."""
    if isinstance(value, dict | list):
        raise ConfigError(
            {
                key: [
                    "is no text, number, true or false; several values are one text, with commas between them"
                ]
            }
        )
    return str(value).lower() if isinstance(value, bool) else str(value)
