"""Regular expressions out of a configuration: Java's, and with a bound on the time that a match may take.

A pattern such as `(a+)+b` needs longer than anybody can wait on the wrong text, and everything else of the worker would wait
with it. Patterns are therefore matched by the package `regex`, which can be stopped.
"""

import re
import sys
from collections.abc import Callable
from dataclasses import dataclass

import regex

from sink_connector.errors import SinkError

TIMEOUT_S = 0.05
MOST_CHARACTERS = 10_000  # of a pattern
MOST_PARTS = 100_000  # of one, its repetitions written out

# The parts of a pattern that Java reads otherwise than Python, or only one of them knows.
_TOKEN = re.compile(
    r"\\Q(?P<quoted>.*?)(?:\\E|$)"
    r"|\\(?P<escape>[pP]\{\w+\}|[pP]\w|x\{[0-9a-fA-F]{1,6}\}|0(?:[0-3][0-7]{2}|[0-7]{1,2})|k<[a-zA-Z]\w*>|.)"
    r"|(?P<plain>\((?![?*])|\(\?(?:[:=!>]|<[=!]|[imsx]*(?:-[imsx]+)?:)|\{\d+(?:,\d*)?\})"
    r"|\(\?<(?P<group>[a-zA-Z]\w*)>"
    r"|(?P<opening>\[\^?\]?)|(?P<closing>\])|(?P<clash>&&)|(?P<other>\(\?[^)]?|\(\*|\{)",
    re.DOTALL,
)
_PART = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{(?P<times>\d+)(?:,\d*)?\}|.", re.DOTALL)
_FLAGS = re.compile(r"(?:\(\?[imsx]+\))+")
_CLASSES = {
    "Lower": "a-z", "Upper": "A-Z", "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9", "XDigit": "0-9a-fA-F",
    "Space": r"\s", "Blank": r" \t", "Punct": r"!-/:-@\[-`{-~", "ASCII": r"\x00-\x7f",
    "L": r"^\W\d_", "IsAlphabetic": r"^\W\d_",
}  # fmt: skip
_BLANKS, _LINE_ENDS = r" \t\u00a0\u2000-\u200a\u202f\u205f\u3000", r"\n\x0b\x0c\r\x85\u2028\u2029"
# Escapes by letters; in a class, those of one character or of several. What is in neither is refused.
_SAME_IN_CLASS = frozenset("tnrfadDsSwWxu")
_SAME = _SAME_IN_CLASS | frozenset("bBAGX")
_IN_CLASS = {"h": _BLANKS, "v": _LINE_ENDS, "e": r"\x1b"}
_ESCAPES = {
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "h": f"[{_BLANKS}]",
    "H": f"[^{_BLANKS}]",
    "v": f"[{_LINE_ENDS}]",
    "V": f"[^{_LINE_ENDS}]",
    "e": r"\x1b",
    "R": rf"(?:\r\n|[{_LINE_ENDS}])",
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
        start = 0 if flags is None else flags.end()
        translated = _Translation().of(text[start:])
        if flags is not None:  # of a part of the pattern, so that it can be put into another
            letters = "".join(sorted(set(flags[0]) - set("(?)")))
            translated = f"(?{letters}:{translated}\n)" if "x" in letters else f"(?{letters}:{translated})"
        try:
            _check_size(translated)
            return cls(text, regex.compile(translated, regex.ASCII))
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


class _Translation:
    """A pattern read from its beginning to its end, so that it is known what stands in a character class."""

    def __init__(self) -> None:
        self._in_class = False

    def of(self, text: str) -> str:
        """The pattern as Python reads it. Raises `ValueError`."""
        return _TOKEN.sub(self._translated, text)

    def _translated(self, token: re.Match[str]) -> str:
        if token["quoted"] is not None:
            return re.escape(token["quoted"])
        if token["escape"] is not None:
            return self._escaped(token["escape"])
        if token["closing"] is not None:
            self._in_class = False
        elif self._in_class:
            if token["opening"] is not None or token["clash"] is not None:
                what = token[0][:2]
                raise ValueError(f"{what} in a character class (union, intersection) is not supported")
        elif token["opening"] is not None:
            self._in_class = True
        elif token["group"] is not None:
            return f"(?P<{token['group']}>"
        elif token["other"] is not None:
            raise ValueError(f"{token[0]} begins nothing that is known here; flags stand at the beginning")
        return token[0]

    def _escaped(self, escape: str) -> str:
        letter, rest = escape[0], escape[1:]
        if letter in "pP" and rest:
            return _property(negated=letter == "P", name=rest.strip("{}"), inside=self._in_class)
        if rest and letter in "x0":
            return _character(int(rest.strip("{}"), 16 if letter == "x" else 8))
        if rest and not self._in_class:
            return f"(?P={rest[1:-1]})"
        if not rest and not (letter.isascii() and letter.isalpha()):
            return f"\\{letter}"
        if letter in (_SAME_IN_CLASS if self._in_class else _SAME):
            return f"\\{letter}"
        known = _IN_CLASS if self._in_class else _ESCAPES
        if rest or letter not in known:
            raise ValueError(f"\\{letter} is not supported{' inside of a character class' * self._in_class}")
        return known[letter]


def _check_size(pattern: str) -> None:
    """Raises `ValueError`: what is repeated by number is compiled as often, and nothing can stop that."""
    sizes, last = [0], 0
    for part in _PART.finditer(pattern):
        if part["times"] is not None:
            sizes[-1] += last * max(int(part["times"][:9]) - 1, 0)
        elif part[0] == "(":
            sizes.append(0)
        elif part[0] == ")" and len(sizes) > 1:
            last = sizes.pop()
            sizes[-1] += last
        else:
            last = 1
            sizes[-1] += last
        if sizes[-1] > MOST_PARTS:
            raise ValueError(f"a regular expression that repeats more than {MOST_PARTS} parts")


def _character(number: int) -> str:
    if number > sys.maxunicode:
        raise ValueError(f"there is no character {number:x}")
    return re.escape(chr(number))


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
