"""Java's replacement strings, for matches of a `BoundedPattern`."""

import re
from collections.abc import Callable

from regex import Match

Replacement = Callable[[Match[str]], str]

_GROUP = re.compile(
    r"\\(?P<plain>.)|\$(?:\{(?P<name>[a-zA-Z]\w*)\}|(?P<number>\d+))|(?P<stray>[$\\])|(?P<text>[^$\\]+)",
    re.DOTALL,
)


def compile_replacement(text: str) -> Replacement:
    r"""A Java replacement: `$1` and `${name}` are groups, a backslash makes what follows plain.

    What it gives raises ValueError for a group that the pattern does not have.
    """
    parts = list(_GROUP.finditer(text))

    def replaced(match: Match[str]) -> str:
        return "".join(_part(part, match) for part in parts)

    return replaced


def _part(part: re.Match[str], match: Match[str]) -> str:
    if part["stray"] is not None:
        raise ValueError(f"the replacement has a {part['stray']} that is followed by nothing it could mean")
    if part["name"] is not None:
        if part["name"] not in match.re.groupindex:
            raise ValueError(f"the pattern has no group {part['name']}")
        return match[part["name"]] or ""
    if part["number"] is not None:
        return _numbered(part["number"], match)
    return part["plain"] or part["text"]


def _numbered(digits: str, match: Match[str]) -> str:
    """The longest number that is a group: $10 is group 1 and a zero where there are fewer than ten."""
    if int(digits[0]) > match.re.groups:
        raise ValueError(f"the pattern has no group {digits[0]}")
    length = next(
        size for size in range(len(digits), 0, -1) if size == 1 or int(digits[:size]) <= match.re.groups
    )
    return (match[int(digits[:length])] or "") + digits[length:]
