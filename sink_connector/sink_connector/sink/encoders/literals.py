"""PostgreSQL's text forms of arrays, composite values and ranges, taken apart as the server itself does, and put together.

Source: PostgreSQL's documentation, "Array Input and Output Syntax", "Composite Type Input and Output Syntax" and "Range
Input/Output". Whatever does not have such a form raises `ValueError`; the server would refuse it, too.
"""

import re
from collections.abc import Sequence
from typing import Any

BLANKS = " \t\n\v\f\r"
EMPTY = "empty"  # the range without a value

# Possessive: each token is gone through once, whatever follows it.
_BLANK = re.compile(rf"[{BLANKS}]*+")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
_BARE = {delimiter: re.compile(rf'(?:[^"\\{{}}{delimiter}]|\\.)*+', re.DOTALL) for delimiter in (",", ";")}
_PART = {
    ends: re.compile(rf'(?:[^"\\{re.escape(ends)}]|\\.|"(?:[^"\\]|""|\\.)*+")*+', re.DOTALL)
    for ends in (",)", ",)]")
}
_OF_PART = re.compile(r'"((?:[^"\\]|""|\\.)*+)"|\\(.)', re.DOTALL)
_WITHIN_QUOTES = re.compile(r'\\(.)|"(")', re.DOTALL)


class LiteralError(ValueError):
    """A text that is not of the form."""


def array_elements(text: str, delimiter: str = ",") -> list[Any]:
    """The elements of an array, None for a null, those of one of several dimensions in lists of their own.

    Lower bounds that are given must be 1, which is what an array without them has.
    """
    if (found := _plain_elements(text.strip(BLANKS), delimiter)) is not None:
        return found
    reader = _Reader(text)
    reader.skip_blanks()
    while reader.peek() == "[":
        lower, _, upper = reader.until("]").strip("[]").rpartition(":")
        if not upper or (lower or "1").lstrip("+") != "1":
            raise LiteralError("an array whose places are not counted from 1")
        reader.skip_blanks()
        if reader.peek() == "=":
            reader.take("=")
            reader.skip_blanks()
    found = _array(reader, delimiter)
    reader.end()
    return found if _has_element(found) else []


def _plain_elements(text: str, delimiter: str) -> list[Any] | None:
    """Those of one dimension in which nothing is quoted, escaped or counted: nearly every array, and the longest ones."""
    inner = text[1:-1]
    if text[:1] != "{" or text[-1:] != "}" or any(each in inner for each in '{}"\\'):
        return None
    elements = [each.strip(BLANKS) for each in inner.split(delimiter)]
    if elements == [""]:
        return []
    if "" in elements:
        raise LiteralError("an element of nothing")
    return [None if each.lower() == "null" else each for each in elements]


def _has_element(found: Sequence[Any]) -> bool:
    return any(not isinstance(each, list) or _has_element(each) for each in found)


def record_fields(text: str) -> list[str | None]:
    """The fields of a composite value, None for a null."""
    reader = _Reader(text)
    reader.skip_blanks()
    reader.take("(")
    fields = [reader.part(",)")]
    while reader.peek() == ",":
        reader.take(",")
        fields.append(reader.part(",)"))
    reader.take(")")
    reader.end()
    return fields


def range_parts(text: str) -> list[str | None]:
    """The lower bound and the upper one, None where there is none, and which belong to the range: `[)`; or `EMPTY`."""
    reader = _Reader(text)
    found = _range(reader)
    reader.end()
    return found


def ranges(text: str) -> list[str]:
    """The ranges of a multirange, each as the text of a range."""
    reader = _Reader(text)
    found: list[str] = []
    reader.skip_blanks()
    reader.take("{")
    reader.skip_blanks()
    while reader.peek() != "}":
        if found:
            reader.take(",")
            reader.skip_blanks()
        start = reader.place
        _range(reader)
        found.append(text[start : reader.place])
        reader.skip_blanks()
    reader.take("}")
    reader.end()
    return found


def array_literal(elements: Sequence[Any]) -> str:
    """An array of texts, nulls and such lists as a text."""
    return f"{{{','.join(map(_element, elements))}}}"


def _element(element: Any) -> str:
    if element is None:
        return "NULL"
    if isinstance(element, list):
        return array_literal(element)
    escaped = element.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


class _Reader:
    """A text and how far it was read."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.place = 0

    def peek(self) -> str:
        """The next character, empty at the end."""
        return self._text[self.place : self.place + 1]

    def take(self, expected: str) -> None:
        """Read one character, which must be this."""
        if self.peek() != expected:
            raise LiteralError(f"{expected!r} expected at character {self.place + 1}")
        self.place += 1

    def until(self, last: str) -> str:
        """Read up to a character, which belongs to what is read."""
        end = self._text.find(last, self.place)
        if end < 0:
            raise LiteralError(f"no {last!r}")
        found, self.place = self._text[self.place : end + 1], end + 1
        return found

    def skip_blanks(self) -> None:
        """Read what is blank."""
        self._match(_BLANK)

    def skip_word(self, word: str) -> bool:
        """Read a word in whichever case, if it is next."""
        end = self.place + len(word)
        if self._text[self.place : end].lower() != word:
            return False
        self.place = end
        return True

    def end(self) -> None:
        """Nothing but blanks may follow."""
        self.skip_blanks()
        if self.peek():
            raise LiteralError(f"nothing more expected at character {self.place + 1}")

    def part(self, ends: str) -> str | None:
        """A field or a bound up to one of `ends`, with its blanks; None for nothing at all."""
        found = self._match(_PART[ends])[0]
        if not self.peek() or self.peek() not in ends:
            raise LiteralError("it ends too early")
        return _OF_PART.sub(_unquoted, found) if found else None

    def element(self, delimiter: str) -> str | None:
        """An array's element up to its end, without the blanks around it."""
        self.skip_blanks()
        if self.peek() == '"':
            found = self._match(_QUOTED)[1]
            self.skip_blanks()
            return _ESCAPED.sub(r"\1", found)
        written = self._match(_BARE[delimiter])[0]
        bare = written.rstrip(BLANKS)
        if (len(bare) - len(bare.rstrip("\\"))) % 2:  # the first of the blanks is escaped
            bare = written[: len(bare) + 1]
        if not bare:
            raise LiteralError("an element of nothing")
        return None if bare.lower() == "null" else _ESCAPED.sub(r"\1", bare)

    def _match(self, token: re.Pattern[str]) -> re.Match[str]:
        found = token.match(self._text, self.place)
        if found is None:
            raise LiteralError("it ends too early")
        self.place = found.end()
        return found


def _unquoted(part: re.Match[str]) -> str:
    quoted, escaped = part.groups()
    return escaped if quoted is None else _WITHIN_QUOTES.sub(lambda each: each[1] or each[2], quoted)


def _array(reader: _Reader, delimiter: str) -> list[Any]:
    reader.take("{")
    found: list[Any] = []
    reader.skip_blanks()
    while reader.peek() != "}":
        if found:
            reader.take(delimiter)
            reader.skip_blanks()
        is_nested = reader.peek() == "{"
        found.append(_array(reader, delimiter) if is_nested else reader.element(delimiter))
        reader.skip_blanks()
    reader.take("}")
    return found


def _range(reader: _Reader) -> list[str | None]:
    reader.skip_blanks()
    if reader.skip_word(EMPTY):
        return [None, None, EMPTY]
    first = reader.peek()
    reader.take("(" if first == "(" else "[")
    lower = reader.part(",)]")
    reader.take(",")
    upper = reader.part(",)]")
    last = reader.peek()
    reader.take(")" if last == ")" else "]")
    return [lower, upper, first + last]
