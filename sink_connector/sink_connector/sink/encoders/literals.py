"""PostgreSQL's text forms of arrays, composite values and ranges, taken apart as the server itself does, and put together.

Source: PostgreSQL's documentation, "Array Input and Output Syntax", "Composite Type Input and Output Syntax" and "Range
Input/Output". Whatever does not have such a form raises `ValueError`; the server would refuse it, too.
"""

from collections.abc import Sequence
from typing import Any

BLANKS = " \t\n\v\f\r"
EMPTY = "empty"  # the range without a value


class LiteralError(ValueError):
    """A text that is not of the form."""


def array_elements(text: str, delimiter: str = ",") -> list[Any]:
    """The elements of an array, None for a null, those of one of several dimensions in lists of their own.

    Lower bounds that are given must be 1, which is what an array without them has.
    """
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
        while self.peek() and self.peek() in BLANKS:
            self.place += 1

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
        if self.peek() and self.peek() in ends:
            return None
        found: list[str] = []
        is_quoted = False
        while is_quoted or not (self.peek() and self.peek() in ends):
            character = self._next()
            if character == "\\":
                found.append(self._next())
            elif character != '"':
                found.append(character)
            elif is_quoted and self.peek() == '"':
                found.append(self._next())
            else:
                is_quoted = not is_quoted
        return "".join(found)

    def element(self, ends: str) -> str | None:
        """An array's element up to one of `ends`, without the blanks around it."""
        self.skip_blanks()
        if self.peek() == '"':
            found = self._quoted()
            self.skip_blanks()
            return found
        letters: list[str] = []
        kept = 0  # letters before the blanks at the end, which count where they are escaped
        is_escaped = False
        while self.peek() not in {*ends, ""}:
            character = self._next()
            if character in '{}"':
                raise LiteralError(f"{character!r} within an element")
            if character == "\\":
                is_escaped = True
                letters.append(self._next())
                kept = len(letters)
            else:
                letters.append(character)
                kept = kept if character in BLANKS else len(letters)
        if not kept:
            raise LiteralError("an element of nothing")
        bare = "".join(letters[:kept])
        return None if bare.lower() == "null" and not is_escaped else bare

    def _quoted(self) -> str:
        self.take('"')
        found: list[str] = []
        while (character := self._next()) != '"':
            found.append(self._next() if character == "\\" else character)
        return "".join(found)

    def _next(self) -> str:
        found = self.peek()
        if not found:
            raise LiteralError("it ends too early")
        self.place += 1
        return found


def _array(reader: _Reader, delimiter: str) -> list[Any]:
    reader.take("{")
    found: list[Any] = []
    reader.skip_blanks()
    while reader.peek() != "}":
        if found:
            reader.take(delimiter)
            reader.skip_blanks()
        is_nested = reader.peek() == "{"
        found.append(_array(reader, delimiter) if is_nested else reader.element(f"{delimiter}}}"))
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
