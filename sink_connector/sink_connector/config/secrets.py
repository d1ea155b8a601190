"""What of a configuration nobody gets to see: passwords under their own keys and inside URLs.

A reference (`${env:…}`) is no secret: it is shown as it was written, and what it stands for is known only where it is used.
A hidden value that comes back unchanged in a new configuration stands for the one that is stored, so that what a client has
read it can write.
"""

import re
from collections.abc import Mapping

from sink_connector.config.definition import ALIASES, BY_NAME, Kind
from sink_connector.config.redaction import HIDDEN

_BY_NAME = re.compile(
    r"(pass(word|phrase|wd)?|secrets?|token|credentials?|api[._-]?key|private[._-]?key|jaas\.config|user\.info|keystore\.key"
    r"|ssl\.key|access[._-]?key)$",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"\$\{[\w.-]+:[^}]*\}")
_IN_URL = re.compile(
    # A password with a raw @, /, :, ? or # in it reaches up to the last @ there is before the options.
    r"(?P<before>://[^:/?#\s]*:)(?P<user>[^\s?#]+|[^\s/]+)(?=@)"
    r"|(?P<key>[?&](?:password|sslpassword|passphrase|api_?key|token|secret)=)(?P<option>[^&#\s]+)",
    re.IGNORECASE,
)


def is_secret(key: str) -> bool:
    """Whether the whole value of a key is one."""
    known = BY_NAME.get(ALIASES.get(key, key))
    return (known is not None and known.kind is Kind.PASSWORD) or _BY_NAME.search(key) is not None


def redacted(config: Mapping[str, str | None]) -> dict[str, str | None]:
    """The configuration as it may be shown."""
    return {key: _hidden(key, value) for key, value in config.items()}


def retained(config: Mapping[str, str | None], stored: Mapping[str, str | None]) -> dict[str, str | None]:
    """A new configuration, with the stored value wherever it gives what was shown of it."""
    return {
        key: stored[key] if stored.get(key) is not None and value == _hidden(key, stored[key]) else value
        for key, value in config.items()
    }


def secrets_of(resolved: Mapping[str, str]) -> set[str]:
    """The secrets of a configuration whose references have been resolved."""
    found = {value for key, value in resolved.items() if is_secret(key)}
    for value in resolved.values():
        found.update(match["user"] or match["option"] for match in _IN_URL.finditer(value))
    return {secret for secret in found if secret}


def _hidden(key: str, value: str | None) -> str | None:
    if not value or not _REFERENCE.sub("", value):
        return value
    if is_secret(key):
        return HIDDEN
    return _IN_URL.sub(lambda match: (match["before"] or match["key"]) + _unless_reference(match), value)


def _unless_reference(match: re.Match[str]) -> str:
    value = match["user"] or match["option"]
    return value if not _REFERENCE.sub("", value) else HIDDEN
