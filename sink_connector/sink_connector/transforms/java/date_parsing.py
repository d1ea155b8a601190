"""Reading one field of a `SimpleDateFormat` pattern after the other, and the instant they make together."""

import re
from calendar import day_abbr, day_name, month_abbr, month_name
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

_NUMBER = re.compile(r"-?\d+")
_SPACE = re.compile(r"[ \t]*")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_ISO_OFFSETS = {
    1: re.compile(r"([+-])(\d{2})"),
    2: re.compile(r"([+-])(\d{2})(\d{2})"),
    3: re.compile(r"([+-])(\d{2}):(\d{2})"),
}
_GMT = re.compile(r"(?:GMT|UTC)([+-])(\d{1,2}):(\d{2})", re.IGNORECASE)
_ZONE_NAME = re.compile(r"[A-Za-z]+")
_ZONES = {"UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7}  # fmt: skip
_STORED = {
    "y": "year", "M": "month", "L": "month", "D": "day_of_year", "d": "day", "H": "hour", "k": "hour", "K": "hour", "h": "hour",
    "m": "minute", "s": "second", "S": "milli",
}  # fmt: skip
_WRAPS = {"k": 24, "h": 12}  # what midnight (and noon) is called there
_MONTH_NAME_WIDTH = 3
_PIVOT_YEARS = 80  # a year of two digits lies between 80 years ago and 20 years ahead
_CENTURY = 100
_TWO_DIGITS = 2
_NOON = 12


@dataclass(frozen=True, slots=True)
class LetterRun:
    """A run of one letter. With `abuts`, the next field follows at once, so this one has exactly its width of digits."""

    letter: str
    width: int
    abuts: bool = False


@dataclass(slots=True)
class Parsed:
    """The fields found so far; what is not given is that of 1970-01-01T00:00Z."""

    year: int = 1970
    before_christ: bool = False
    month: int = 1
    day: int | None = None
    day_of_year: int | None = None
    hour: int = 0
    half_day: int = 0
    minute: int = 0
    second: int = 0
    milli: int = 0
    offset_minutes: int = 0

    def millis(self) -> int:
        """Milliseconds since 1970, every overflow carried on. Raises ValueError outside the years 1 to 9999."""
        months = (1 - self.year if self.before_christ else self.year) * 12 + self.month - 1
        if self.day is None and self.day_of_year is not None:
            months, day = months - (self.month - 1), self.day_of_year
        else:
            day = 1 if self.day is None else self.day
        span = timedelta(
            days=day - 1, hours=self.hour + self.half_day * _NOON, minutes=self.minute - self.offset_minutes,
            seconds=self.second, milliseconds=self.milli,
        )  # fmt: skip
        try:
            moment = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC) + span
        except OverflowError:
            raise ValueError("the date lies outside the years 1 to 9999") from None
        return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def read_field(field: LetterRun, text: str, start: int, into: Parsed) -> int:
    """Read a field after any white space, and return where it ends. Raises ValueError when it is not there."""
    space = _SPACE.match(text, start)
    at = space.end() if space else start
    if field.letter in "ML" and field.width >= _MONTH_NAME_WIDTH:
        into.month, end = _name(text, at, (month_name, month_abbr))
        return end
    if field.letter in _STORED:
        number, end = _number(text, at, field.width if field.abuts else None)
        _store(field, number, digits=end - at, into=into)
        return end
    match field.letter:
        case "E":
            return _name(text, at, (day_name, day_abbr))[1]
        case "a":
            into.half_day, end = _choice(text, at, ("AM", "PM"))
            return end
        case "G":
            era, end = _choice(text, at, ("BC", "AD"))
            into.before_christ = era == 0
            return end
        case "z" | "Z" | "X":
            into.offset_minutes, end = _zone(field, text, at)
            return end
    raise ValueError(f"a date cannot be read by the pattern's letter {field.letter}")


def _number(text: str, at: int, width: int | None) -> tuple[int, int]:
    found = (
        _NUMBER.match(text, at)
        if width is None
        else re.compile(rf"-?\d{{1,{width}}}").match(text, at, at + width)
    )
    if found is None:
        raise ValueError(f"{text!r} has no number at position {at + 1}")
    return int(found[0]), found.end()


def _store(field: LetterRun, number: int, *, digits: int, into: Parsed) -> None:
    if field.letter == "y" and field.width <= _TWO_DIGITS and digits == _TWO_DIGITS:
        number = _pivoted(number)
    elif number == _WRAPS.get(field.letter):
        number = 0
    setattr(into, _STORED[field.letter], number)


def _pivoted(year: int) -> int:
    start = datetime.now(UTC).year - _PIVOT_YEARS
    return start + (year - start) % _CENTURY


def _name(text: str, at: int, lists: tuple[object, ...]) -> tuple[int, int]:
    """The number of a month or day (from 1) by its name, the longest that fits, in any case."""
    for names in (list(each) for each in lists):  # type: ignore[call-overload] # calendar's lists have no type of their own
        for number, name in enumerate(names, start=0 if names[0] == "" else 1):
            if name and text[at : at + len(name)].lower() == name.lower():
                return number, at + len(name)
    raise ValueError(f"{text!r} has no name of a month or day at position {at + 1}")


def _choice(text: str, at: int, choices: tuple[str, str]) -> tuple[int, int]:
    for number, choice in enumerate(choices):
        if text[at : at + len(choice)].upper() == choice:
            return number, at + len(choice)
    raise ValueError(f"{text!r} has neither {choices[0]} nor {choices[1]} at position {at + 1}")


def _zone(field: LetterRun, text: str, at: int) -> tuple[int, int]:
    """Minutes east of Greenwich."""
    if field.letter == "X":
        if text[at : at + 1] == "Z":
            return 0, at + 1
        patterns = [_ISO_OFFSETS[field.width]]
    else:
        patterns = [_OFFSET, _GMT]
    for pattern in patterns:
        if found := pattern.match(text, at):
            minutes = int(found[2]) * 60 + (int(found[3]) if pattern.groups > _TWO_DIGITS else 0)
            return (minutes if found[1] == "+" else -minutes), found.end()
    name = _ZONE_NAME.match(text, at)
    if field.letter != "X" and name is not None and name[0].upper() in _ZONES:
        return _ZONES[name[0].upper()] * 60, name.end()
    raise ValueError(f"{text!r} has no time zone at position {at + 1}")
