"""Reads a written configuration key by key, collecting everything that is wrong instead of stopping at the first.

What is said of a value quotes it as it was written: where a reference stands in it, what that stands for is said nowhere.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from sink_connector.config import definition
from sink_connector.config.numbers import whole_number
from sink_connector.config.patterns import BoundedPattern
from sink_connector.config.providers import ConfigProviders, UnresolvedError, has_reference

Choice = TypeVar("Choice", bound=Enum)


@dataclass(slots=True)
class Reader:
    """Takes values out of a configuration, noting what is wrong with each key."""

    written: Mapping[str, str]
    values: dict[str, str] = field(default_factory=dict)
    problems: dict[str, list[str]] = field(default_factory=dict)

    def resolve(self, providers: ConfigProviders) -> None:
        """Read every value with its references replaced from here on."""
        for name, value in self.written.items():
            try:
                self.values[name] = self._whole(name, providers.resolve(value))
            except UnresolvedError as error:
                self.values[name] = ""
                self._note(name, str(error))

    def _whole(self, name: str, value: str) -> str:
        """The value in whole characters: an environment and a Java file may hold others, which can be sent and kept nowhere."""
        try:
            value.encode()
        except UnicodeEncodeError:
            self._note(name, "holds half of a surrogate pair")
            return value.encode(errors="replace").decode()
        return value

    def problem(self, key: str, text: str) -> None:
        """Note what is wrong with a key. `text` is not repeated when the key's value came out of a reference."""
        if self._is_unresolved(key):
            return  # has been said; what an empty value leads to is not true
        if has_reference(self.written.get(key, "")):
            text = f"is {self.written[key]!r}, and what that stands for cannot be used here"
        self._note(key, text)

    def shown(self, name: str) -> str:
        """A value as it may be quoted: as it was written."""
        written = self.written.get(name, "")
        return written if has_reference(written) else self.text(name)

    def text(self, name: str) -> str:
        """A value without blanks around it; one of the key's values, in lower case, where it has some."""
        key = self._key(name)
        value = self.values.get(name, key.default or "").strip()
        if key.required and not value:
            self.problem(name, "is required")
        if key.values and (value or self.values.get(name) is not None) and value.lower() not in key.values:
            self._refuse(name, f"must be one of {', '.join(key.values)}")
        return value.lower() if key.values else value

    def flag(self, name: str) -> bool:
        """A Boolean value."""
        value = self.text(name).lower()
        if value not in {"true", "false"}:
            self._refuse(name, "must be true or false")
        return value == "true"

    def number(self, name: str, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number within bounds."""
        try:
            number = whole_number(self.text(name))
        except ValueError:
            self._refuse(name, "must be a whole number")
            return least
        if not least <= number <= most:
            self._refuse(name, f"must be at least {least}" if number < least else f"must be at most {most}")
        return min(max(number, least), most)

    def words(self, name: str) -> tuple[str, ...]:
        """A list separated by commas, each entry once."""
        return tuple(dict.fromkeys(word.strip() for word in self.text(name).split(",") if word.strip()))

    def pattern(self, name: str) -> BoundedPattern | None:
        """A regular expression; None when there is none."""
        value = self.text(name)
        try:
            return BoundedPattern.compile(value) if value else None
        except ValueError as error:
            self.problem(name, f"is {value!r}: {error}")
            return None

    def choice(self, kind: type[Choice], name: str) -> Choice:
        """A value out of those of an enumeration."""
        value = self.text(name)
        return next((member for member in kind if member.value == value), next(iter(kind)))

    def family(self, prefix: str) -> dict[str, str]:
        """The keys that begin with a prefix, without it."""
        return {name[len(prefix) :]: value for name, value in self.values.items() if name.startswith(prefix)}

    def _key(self, name: str) -> definition.Key:
        return definition.BY_NAME[name]

    def _refuse(self, name: str, rule: str) -> None:
        if not self._is_unresolved(name):
            written = self.written.get(name, definition.BY_NAME[name].default or "").strip()
            self._note(name, f"is {written!r}, it {rule}")

    def _is_unresolved(self, key: str) -> bool:
        return (
            bool(self.problems.get(key))
            and not self.values.get(key)
            and has_reference(self.written.get(key, ""))
        )

    def _note(self, key: str, text: str) -> None:
        """Once, however often the key is read."""
        noted = self.problems.setdefault(key, [])
        if text not in noted:
            noted.append(text)


def concealed(
    problems: Mapping[str, list[str]], written: Mapping[str, str], *, families: Iterable[tuple[str, ...]]
) -> dict[str, list[str]]:
    """Problems found where references have been replaced already, fit to be shown.

    A problem may quote the value of any key of its family, in its text and even in its key. So where a key of a family
    holds a reference, all that is said of the family is that what the reference stands for cannot be used.
    """
    found: dict[str, list[str]] = {}
    remaining = dict(problems)
    for family in families:

        def belongs(key: str, family: tuple[str, ...] = family) -> bool:
            return any(key == prefix or key.startswith(f"{prefix}.") for prefix in family)

        referring = {key: value for key, value in written.items() if belongs(key) and has_reference(value)}
        if not referring or not any(belongs(key) for key in remaining):
            continue
        remaining = {key: problem for key, problem in remaining.items() if not belongs(key)}
        for key, value in referring.items():
            found[key] = [f"is {value!r}, and with what that stands for the {family[0]} cannot be used"]
    return found | remaining
