"""Java's regular expressions and replacement strings in terms of Python's `re`."""

import re
from collections.abc import Callable

Replacement = Callable[[re.Match[str]], str]

# Constructs that read otherwise in Python. What neither knows, `re.compile` refuses.
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
_GROUP = re.compile(
    r"\\(?P<plain>.)|\$(?:\{(?P<name>[a-zA-Z]\w*)\}|(?P<number>\d+))|(?P<stray>[$\\])|(?P<text>[^$\\]+)",
    re.DOTALL,
)


def compile_regex(text: str) -> re.Pattern[str]:
    """Compile a Java pattern. Raises ValueError when it is none, or uses what Python's patterns cannot say."""
    flags = _FLAGS.match(text)
    if flags is not None:  # of a part of the pattern, so that it can be put into another
        text = f"(?{flags[1]}:{text[flags.end() :]})"
    try:
        return re.compile(_TOKEN.sub(_translated, text), re.ASCII)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None


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


def compile_replacement(text: str) -> Replacement:
    r"""A Java replacement: `$1` and `${name}` are groups, a backslash makes what follows plain.

    What it gives raises ValueError for a group that the pattern does not have.
    """
    parts = list(_GROUP.finditer(text))

    def replaced(match: re.Match[str]) -> str:
        return "".join(_part(part, match) for part in parts)

    return replaced


def _part(part: re.Match[str], match: re.Match[str]) -> str:
    if part["stray"] is not None:
        raise ValueError(f"the replacement has a {part['stray']} that is followed by nothing it could mean")
    if part["name"] is not None:
        if part["name"] not in match.re.groupindex:
            raise ValueError(f"the pattern has no group {part['name']}")
        return match[part["name"]] or ""
    if part["number"] is not None:
        return _numbered(part["number"], match)
    return part["plain"] or part["text"]


def _numbered(digits: str, match: re.Match[str]) -> str:
    """The longest number that is a group: $10 is group 1 and a zero where there are fewer than ten."""
    if int(digits[0]) > match.re.groups:
        raise ValueError(f"the pattern has no group {digits[0]}")
    length = next(
        size for size in range(len(digits), 0, -1) if size == 1 or int(digits[:size]) <= match.re.groups
    )
    return (match[int(digits[:length])] or "") + digits[length:]
