"""Reads a written configuration key by key, collecting everything that is wrong instead of stopping at the first."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from sink_connector.config import definition

Choice = TypeVar("Choice", bound=Enum)


@dataclass(slots=True)
class Reader:
    """Takes values out of a written configuration, noting what is wrong with each key."""

    values: dict[str, str]
    problems: dict[str, list[str]] = field(default_factory=dict)

    def problem(self, key: str, text: str) -> None:
        self.problems.setdefault(key, []).append(text)

    def text(self, name: str) -> str:
        key = definition.BY_NAME[name]
        value = self.values.get(name, key.default or "").strip()
        if key.required and not value:
            self.problem(name, "is required")
        if key.values and value and value.lower() not in key.values:
            self.problem(name, f"is {value!r}, it must be one of {', '.join(key.values)}")
        return value.lower() if key.values else value

    def flag(self, name: str) -> bool:
        value = self.text(name).lower()
        if value not in {"true", "false"}:
            self.problem(name, f"is {value!r}, it must be true or false")
        return value == "true"

    def number(self, name: str, *, least: int = 0) -> int:
        value = self.text(name)
        try:
            number = int(value)
        except ValueError:
            self.problem(name, f"is {value!r}, it must be a whole number")
            return least
        if number < least:
            self.problem(name, f"is {number}, it must be at least {least}")
        return max(number, least)

    def words(self, name: str) -> tuple[str, ...]:
        return tuple(word.strip() for word in self.text(name).split(",") if word.strip())

    def pattern(
        self, name: str, *, compiled: Callable[[str], re.Pattern[str]] = re.compile
    ) -> re.Pattern[str] | None:
        value = self.text(name)
        try:
            return compiled(value) if value else None
        except (re.error, ValueError) as error:
            self.problem(name, f"is no regular expression: {error}")
            return None

    def choice(self, kind: type[Choice], name: str) -> Choice:
        value = self.text(name)
        return next((member for member in kind if member.value == value), next(iter(kind)))

    def family(self, prefix: str) -> dict[str, str]:
        return {name[len(prefix) :]: value for name, value in self.values.items() if name.startswith(prefix)}
