"""Takes values that must not be seen out of texts: traces, logs, answers over REST.

A text may hold a value whole, escaped, percent-encoded, or a part of it (PostgreSQL cuts a user's name after 63 bytes, an
exception quotes one line of a file), so parts of a value count as well.
"""

import json
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

HIDDEN = "[hidden]"  # Connect's own word for it

PART = 12  # a run of so many characters of a hidden value is taken for a part of it
SHORT = 4  # a shorter value is hidden only where it stands as a word of its own
MOST = 256  # values that are remembered; the one not met for longest is forgotten first

_URL = re.compile(r"://(?P<user>[^:/?#]*)(?::(?P<password>[^?#]*))?@(?=[^@]*$)", re.DOTALL)
_OPTION = re.compile(r"[?&](?:user|password)=(?P<value>[^&#\s]+)", re.IGNORECASE)


class Redactor:
    """The values that nobody gets to see, and texts without them."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        """Hide these values, and those added later."""
        self._values: OrderedDict[str, tuple[frozenset[str], frozenset[str]]] = OrderedDict()
        self._whole: re.Pattern[str] | None = None
        self._parts: frozenset[str] = frozenset()
        self.add(*values)

    def add(self, *values: str) -> None:
        """Hide these values from now on."""
        fresh = [value for value in values if value.strip() and value not in self._values]
        for value in values:
            if value in self._values:
                self._values.move_to_end(value)
        if not fresh:
            return
        for value in fresh:
            forms = frozenset(_forms(value))
            self._values[value] = (forms, frozenset(_parts(forms)))
        while len(self._values) > MOST:
            self._values.popitem(last=False)
        self._whole = _any_of(form for forms, _ in self._values.values() for form in forms)
        self._parts = frozenset().union(*(parts for _, parts in self._values.values()))

    def scrub(self, text: str) -> str:
        """The text with `[hidden]` in the place of every value and of every longer part of one."""
        if self._whole is None:
            return text
        spans = [match.span() for match in self._whole.finditer(text)]
        spans += [
            (start, start + PART)
            for start in range(len(text) - PART + 1)
            if text[start : start + PART] in self._parts
        ]
        pieces, end = [], 0
        for start, stop in _merged(spans):
            pieces += [text[end:start], HIDDEN]
            end = stop
        return "".join((*pieces, text[end:]))

    def scrub_all(self, value: Any) -> Any:
        """The same for every text inside of a structure of mappings and sequences; other values stay as they are."""
        match value:
            case str():
                return self.scrub(value)
            case Mapping():
                return {key: self.scrub_all(each) for key, each in value.items()}
            case list() | tuple():
                return [self.scrub_all(each) for each in value]
        return value


def _forms(value: str) -> Iterable[str]:
    """How a value may stand in a text."""
    found = {value, value.strip(), *value.split("\n")}
    for match in _URL.finditer(value):
        found.update((match["user"], match["password"] or ""))
    found.update(match["value"] for match in _OPTION.finditer(value))
    for form in list(found):
        found |= {
            unquote(form),
            quote(form, safe="", errors="surrogatepass"),
            repr(form)[1:-1],
            json.dumps(form)[1:-1],
        }
    return {form for form in found if form.strip()}


def _parts(forms: Iterable[str]) -> Iterable[str]:
    for form in forms:
        for start in range(len(form) - PART + 1):
            yield form[start : start + PART]


def _any_of(forms: Iterable[str]) -> re.Pattern[str]:
    ordered = sorted(set(forms), key=len, reverse=True)
    return re.compile(
        "|".join(
            re.escape(form) if len(form) >= SHORT else rf"(?<!\w){re.escape(form)}(?!\w)" for form in ordered
        )
    )


def _merged(spans: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Spans that overlap or touch as one, in order."""
    merged: list[tuple[int, int]] = []
    for start, stop in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged
