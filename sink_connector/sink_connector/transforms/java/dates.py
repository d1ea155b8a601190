"""Java's `SimpleDateFormat` in UTC and English: what a connector's `format` options are written in.

Differs before 15 October 1582, where Java changes to the Julian calendar and this stays with PostgreSQL's.
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta

from sink_connector.data.instants import instant
from sink_connector.transforms.java.date_parsing import LetterRun, Parsed, read_field

_TOKEN = re.compile(r"''|'((?:[^']|'')*)'|([A-Za-z])\2*|[^A-Za-z']+", re.DOTALL)
_SHORT = 3  # a name of up to three letters is short
_TWO = 2
_CENTURY = 100
_SECOND_MS = 1000
_MINUTE_MS = 60_000

MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _padded(of: Callable[[datetime], int]) -> Callable[[datetime, int], str]:
    return lambda moment, width: str(of(moment)).zfill(width)


def _year(year: int, width: int) -> str:
    return str(year % _CENTURY).zfill(_TWO) if width == _TWO else str(year).zfill(width)


def _named(name: str, width: int) -> str:
    return name if width > _SHORT else name[:_SHORT]


def _month(moment: datetime, width: int) -> str:
    if width >= _SHORT:
        return _named(MONTHS[moment.month - 1], width)
    return str(moment.month).zfill(width)


def _week(moment: datetime) -> tuple[int, int]:
    """Year and week as in the United States: weeks begin on Sunday, the first one holds 1 January."""
    sunday = moment - timedelta(days=moment.isoweekday() % 7)
    saturday = sunday + timedelta(days=6)
    first = datetime(saturday.year, 1, 1, tzinfo=UTC)
    first_sunday = first - timedelta(days=first.isoweekday() % 7)
    return saturday.year, (sunday.date() - first_sunday.date()).days // 7 + 1


def _week_of_month(moment: datetime) -> int:
    first = moment.replace(day=1)
    return (moment.day - 1 + first.isoweekday() % 7) // 7 + 1


def _iso_zone(_: datetime, width: int) -> str:
    if width > _SHORT:
        raise ValueError("a zone has at most three X")
    return "Z"


WRITERS: dict[str, Callable[[datetime, int], str]] = {
    "G": lambda _moment, _width: "AD",
    "y": lambda moment, width: _year(moment.year, width),
    "Y": lambda moment, width: _year(_week(moment)[0], width),
    "M": _month,
    "L": _month,
    "w": _padded(lambda moment: _week(moment)[1]),
    "W": _padded(_week_of_month),
    "D": _padded(lambda moment: moment.timetuple().tm_yday),
    "d": _padded(lambda moment: moment.day),
    "F": _padded(lambda moment: (moment.day - 1) // 7 + 1),
    "E": lambda moment, width: _named(DAYS[moment.weekday()], width),
    "u": _padded(lambda moment: moment.isoweekday()),
    "a": lambda moment, _width: "AM" if moment.hour < 12 else "PM",  # noqa: PLR2004 - noon
    "H": _padded(lambda moment: moment.hour),
    "k": _padded(lambda moment: moment.hour or 24),
    "K": _padded(lambda moment: moment.hour % 12),
    "h": _padded(lambda moment: moment.hour % 12 or 12),
    "m": _padded(lambda moment: moment.minute),
    "z": lambda _, width: "Coordinated Universal Time" if width > _SHORT else "UTC",
    "Z": lambda _moment, _width: "+0000",
    "X": _iso_zone,
}
_FINE = {"s": 0, "S": 1}  # second and millisecond: what differs within a minute


class DateFormat:
    """A pattern, read once. Raises ValueError for a letter that means nothing and for a quote that is not closed."""

    def __init__(self, pattern: str) -> None:
        """Takes what it works with."""
        self.pattern = pattern
        self._parts: list[str | LetterRun] = []
        position = 0
        for token in _TOKEN.finditer(pattern):
            if token.start() != position:
                break
            position = token.end()
            self._add(token)
        if position != len(pattern):
            raise ValueError("a quote is not closed")

    def _add(self, token: re.Match[str]) -> None:
        letter = token[2]
        if letter is None:
            quoted = "'" if token[0] == "''" else token[1]
            self._parts.append(token[0] if quoted is None else quoted.replace("''", "'"))
            return
        if letter not in WRITERS and letter not in _FINE:
            raise ValueError(f"{letter} is no letter of a date pattern")
        if letter == "X" and len(token[0]) > _SHORT:
            raise ValueError("a zone has at most three X")
        if self._parts and isinstance(before := self._parts[-1], LetterRun):
            self._parts[-1] = LetterRun(before.letter, before.width, abuts=True)
        self._parts.append(LetterRun(letter, len(token[0])))

    def format(self, millis: int) -> str:
        """Raises `InstantRangeError` outside the years 1 to 9999."""
        [text] = self.format_all([millis])
        return text or ""

    def format_all(self, millis: Sequence[int | None]) -> list[str | None]:
        """The same for many, None for None: what is coarser than a second is written once for each minute among them."""
        minutes: dict[int, str] = {}
        return [
            None
            if each is None
            else (minutes.get(each // _MINUTE_MS) or self._minute(minutes, each // _MINUTE_MS)).format(
                *divmod(each % _MINUTE_MS, _SECOND_MS)
            )
            for each in millis
        ]

    def _minute(self, minutes: dict[int, str], minute: int) -> str:
        """A text of this minute with places for the seconds (0) and milliseconds (1); noted in `minutes`."""
        moment = instant(minute * _MINUTE_MS)
        texts = [self._part(part, moment) for part in self._parts]
        return minutes.setdefault(minute, "".join(texts))

    @staticmethod
    def _part(part: str | LetterRun, moment: datetime) -> str:
        if isinstance(part, LetterRun) and part.letter in _FINE:
            return f"{{{_FINE[part.letter]}:0{part.width}d}}"
        text = part if isinstance(part, str) else WRITERS[part.letter](moment, part.width)
        return text.replace("{", "{{").replace("}", "}}")

    def parse(self, text: str) -> int:
        """Milliseconds since 1970; lenient as Java is: 30 February is 1 March, and what follows the pattern is ignored.

        Raises ValueError when the text does not begin as the pattern says.
        """
        found = Parsed()
        position = 0
        for part in self._parts:
            if isinstance(part, LetterRun):
                position = read_field(part, text, position, found)
            elif text.startswith(part, position):
                position += len(part)
            else:
                raise ValueError(f"{text!r} does not match {self.pattern!r}")
        return found.millis()
