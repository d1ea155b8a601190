"""The options of a transform or predicate: declared as data, read once, every problem noted under its whole key."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sink_connector.config.definition import Importance, Key, Kind
from sink_connector.config.numbers import whole_number

Parsed = TypeVar("Parsed")

MEANS_DEFAULT = "Whether a field that is null takes the default of its schema, where there is one."


def option(  # noqa: PLR0913 - the columns of a table
    name: str,
    doc: str,
    *,
    kind: Kind = Kind.STRING,
    default: str | None = None,
    required: bool = False,
    importance: Importance = Importance.MEDIUM,
    values: tuple[str, ...] = (),
    aliases: tuple[str, ...] = (),
) -> Key:
    """An option as `/connector-plugins/{class}/config` shows it; `aliases` are what older versions call it."""
    return Key(
        name=name,
        kind=kind,
        doc=doc,
        group="",
        default=default,
        required=required,
        importance=importance,
        values=values,
        aliases=aliases,
    )


REPLACE_NULL_WITH_DEFAULT = option(
    "replace.null.with.default", MEANS_DEFAULT, kind=Kind.BOOLEAN, default="true"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Takes typed values out of what is written under `prefix`; what is wrong is added to `problems`, not raised."""

    prefix: str
    keys: Mapping[str, Key]
    given: Mapping[str, str]
    problems: dict[str, list[str]] = field(default_factory=dict)

    def problem(self, name: str, text: str) -> None:
        """Note what is wrong with an option."""
        self.problems.setdefault(self.prefix + name, []).append(text)

    def text(self, name: str, *, any_case: bool = False) -> str | None:
        """The value, without space around it; None when it is neither given nor has a default.

        With `any_case` it is in lower case, however it is written.
        """
        key = self.keys[name]
        value = self.given.get(name, key.default)
        value = None if value is None else value.strip().lower() if any_case else value.strip()
        if value is None and key.required:
            self.problem(name, "is required")
        if key.values and value is not None and value not in key.values:
            self.problem(name, f"is {value!r}, it must be one of {', '.join(key.values)}")
        return value

    def word(self, name: str) -> str:
        """A value that must be there, or nothing together with a problem."""
        return self.text(name) or ""

    def flag(self, name: str) -> bool:
        """An option that is true or false."""
        value = self.word(name).strip().lower()
        if value not in {"true", "false"}:
            self.problem(name, f"is {value!r}, it must be true or false")
        return value == "true"

    def number(self, name: str) -> int | None:
        """An option that is a whole number; None when it is not given."""
        value = self.text(name)
        try:
            return None if value is None else whole_number(value)
        except ValueError:
            self.problem(name, f"is {value!r}, it must be a whole number")
            return None

    def names(self, name: str, *, repeated: bool = False) -> tuple[str, ...]:
        """A comma-separated list of names. A required one must not be empty."""
        value = self.text(name)
        words = tuple(word.strip() for word in value.split(",")) if value and value.strip() else ()
        if value is not None and not words and self.keys[name].required:
            self.problem(name, "must not be empty")
        if "" in words:
            self.problem(name, "has an empty entry")
        if not repeated and len(set(words)) < len(words):
            self.problem(name, "names an entry twice")
        return words

    def parsed(self, name: str, parse: Callable[[str], Parsed]) -> Parsed | None:
        """What `parse` makes of the text; its `ValueError` becomes a problem."""
        value = self.text(name)
        try:
            return None if value is None else parse(value)
        except ValueError as error:
            self.problem(name, f"is {value!r}: {error}")
            return None
