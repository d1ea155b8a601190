"""`${env:…}`, `${file:…}` and `${directory:…}` in a configuration's values, resolved where the value is used.

The names are those of Connect's config providers. The configuration itself keeps the reference, so that no answer and
no log can show what it stands for.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path

REFERENCE = re.compile(r"\$\{(env|file|directory):([^}]*)\}")


class UnresolvedError(Exception):
    """A reference that points at nothing; the message names the reference, never a value."""


def resolve(value: str, environment: Mapping[str, str] = os.environ) -> str:
    """Replace every reference of `value`. An environment variable must be set, but may be empty.

    Raises `UnresolvedError` when a variable is not set, a file cannot be read, or has no such key.
    """
    return REFERENCE.sub(lambda match: _look_up(match[1], match[2], environment), value)


def _look_up(provider: str, reference: str, environment: Mapping[str, str]) -> str:
    if provider == "env":
        if reference not in environment:
            raise UnresolvedError(f"${{env:{reference}}}: this environment variable is not set")
        return environment[reference]
    path, separator, key = reference.rpartition(":")
    if not separator:
        path, key = reference, ""
    try:
        if provider == "directory":
            return (Path(path) / key).read_text(encoding="utf-8")
        content = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise UnresolvedError(f"${{{provider}:{reference}}}: {error.strerror}") from error
    if not key:
        return content.strip()
    properties = parse_properties(content)
    if key not in properties:
        raise UnresolvedError(f"${{file:{reference}}}: the file has no key {key}")
    return properties[key]


def parse_properties(content: str) -> dict[str, str]:
    """The simple form of a Java properties file: `key=value` or `key: value`, `#` and `!` open comments."""
    found: dict[str, str] = {}
    for line in content.splitlines():
        stripped = line.strip()
        if not stripped or stripped[0] in "#!":
            continue
        key, _, value = re.sub(r"\s*[=:]\s*", "=", stripped, count=1).partition("=")
        found[key] = value
    return found
