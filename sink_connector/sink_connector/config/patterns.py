"""Regular expressions out of a configuration: Java's, and with a bound on the time that a match may take.

A pattern such as `(a+)+b` needs longer than anybody can wait on the wrong text, and everything else of the worker would wait
with it. Patterns are therefore matched by the package `regex`, which can be stopped.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import regex

from sink_connector.errors import SinkError

TIMEOUT_S = 0.05
MOST_CHARACTERS = 10_000  # of a pattern

# Constructs that read otherwise in Python. What neither knows is refused when the pattern is compiled.
_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)|\\(?P<escape>[pP]\{\w+\}|.)|\(\?<(?P<group>[a-zA-Z]\w*)>|(?P<clash>&&|\[\[)",
    re.DOTALL,
)
_FLAGS = re.compile(r"\(\?([imsx]+)\)")
_CLASSES = {
    "Lower": "a-z", "Upper": "A-Z", "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9", "XDigit": "0-9a-fA-F",
    "Space": r"\s", "Blank": r" \t", "Punct": r"!-/:-@\[-`{-~", "ASCII": r"\x00-\x7f",
    "L": r"^\W\d_", "IsAlphabetic": r"^\W\d_",
}  # fmt: skip
_ESCAPES = {
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "h": r"[ \t\u00a0\u2000-\u200a\u202f\u205f\u3000]",
    "R": r"(?:\r\n|[\n\r\x0b\x0c\x85\u2028\u2029])",
}


class PatternTimeoutError(SinkError):
    """A pattern did not come to an end on a text in time; neither a match nor none can be told."""


@dataclass(frozen=True, slots=True)
class BoundedPattern:
    """A compiled pattern. Made by `compile`; `pattern` is the text it was compiled from, `compiled` has no bound on its time."""

    pattern: str
    compiled: "regex.Pattern[str]"

    @classmethod
    def compile(cls, text: str) -> "BoundedPattern":
        """Compile a Java pattern. Raises `ValueError` when it is none, or uses what Python's patterns cannot say."""
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"a regular expression of more than {MOST_CHARACTERS} characters")
        flags = _FLAGS.match(text)
        translated = text
        if flags is not None:  # of a part of the pattern, so that it can be put into another
            translated = f"(?{flags[1]}:{text[flags.end() :]})"
        try:
            return cls(text, regex.compile(_TOKEN.sub(_translated, translated), regex.ASCII))
        except (regex.error, OverflowError, RecursionError) as error:
            raise ValueError(f"no regular expression: {error}") from None

    def fullmatch(self, text: str) -> "regex.Match[str] | None":
        """The match of the whole text, or None. Raises `PatternTimeoutError` after 50 ms."""
        try:
            return self.compiled.fullmatch(text, timeout=TIMEOUT_S)
        except TimeoutError:
            raise self._timed_out(text) from None

    def replace_first(self, replacement: "Callable[[regex.Match[str]], str]", text: str) -> str:
        """The text with its first match replaced. Raises `PatternTimeoutError` after 50 ms."""
        try:
            return self.compiled.sub(replacement, text, count=1, timeout=TIMEOUT_S)
        except TimeoutError:
            raise self._timed_out(text) from None

    def _timed_out(self, text: str) -> PatternTimeoutError:
        return PatternTimeoutError(
            f"the pattern {self.pattern!r} needs more than {TIMEOUT_S * 1000:.0f} ms for a text of {len(text)} characters"
        )


def _translated(token: re.Match[str]) -> str:
    if token["quoted"] is not None:
        return re.escape(token["quoted"])
    if token["group"] is not None:
        return f"(?P<{token['group']}>"
    if token["clash"] is not None:
        raise ValueError(f"{token['clash']} in a character class (union, intersection) is not supported")
    escape = token["escape"]
    if escape[0] in "pP" and len(escape) > 1:
        return _property(negated=escape[0] == "P", name=escape[2:-1], inside=_in_class(token))
    return _ESCAPES.get(escape, token[0])


def _property(*, negated: bool, name: str, inside: bool) -> str:
    members = _CLASSES.get(name)
    if members is None:
        raise ValueError(f"\\p{{{name}}} is not one of {', '.join(_CLASSES)}")
    if members.startswith("^"):
        members, negated = members[1:], not negated
    if inside and negated:
        raise ValueError(f"\\p{{{name}}} is not supported inside of a character class")
    if inside:
        return members
    return f"[{'^' if negated else ''}{members}]"


def _in_class(token: re.Match[str]) -> bool:
    before = re.sub(r"\\.", "", token.string[: token.start()], flags=re.DOTALL)
    return before.rfind("[") > before.rfind("]")
