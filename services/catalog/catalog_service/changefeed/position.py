"""A position in the topics: for each partition the next offset. It names a moment of the read model.

Offsets come from Kafka, not from the read database: a position stays true when the read model is rebuilt beside the
old one, and after any restart.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

Partition = tuple[str, int]

_OFFSETS = r"[a-z]+:[0-9]{1,19}(\.[0-9]{1,19}){0,99}"
_TEXT = re.compile(rf"{_OFFSETS}(,{_OFFSETS}){{0,3}}")


class BadPositionError(ValueError):
    """The text was not made by `Position`."""


class Position:
    """The next offset of each partition; 0 where nothing is known. Written `orders:12.4.0,products:7`."""

    __slots__ = ("_next",)

    def __init__(self, offsets: Mapping[Partition, int] | Iterable[tuple[Partition, int]] = ()) -> None:
        """A copy of `offsets`."""
        self._next: dict[Partition, int] = dict(offsets)

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The position `str` wrote.

        Raises:
            BadPositionError: it did not.
        """
        if not _TEXT.fullmatch(text):
            raise BadPositionError("not an event id of this stream")
        offsets: dict[Partition, int] = {}
        for part in text.split(","):
            topic, _, numbers = part.partition(":")
            offsets |= {(topic, number): int(offset) for number, offset in enumerate(numbers.split("."))}
        return cls(offsets)

    def next_offset(self, partition: Partition) -> int:
        """The first offset that is not yet behind this position."""
        return self._next.get(partition, 0)

    def advance(self, partition: Partition, next_offset: int) -> bool:
        """Move on; False if that was behind already, and nothing has changed."""
        if next_offset <= self._next.get(partition, 0):
            return False
        self._next[partition] = next_offset
        return True

    def copy(self) -> "Position":
        """A position of its own that starts here."""
        return Position(self._next)

    def __iter__(self) -> Iterator[tuple[Partition, int]]:
        """Partitions with their next offsets."""
        return iter(self._next.items())

    def covers(self, other: "Position") -> bool:
        """No partition of `other` is further."""
        return all(self.next_offset(partition) >= offset for partition, offset in other)

    def __str__(self) -> str:
        """As `parse` reads it."""
        numbers: dict[str, list[int]] = {}
        for topic, partition in sorted(self._next):
            offsets = numbers.setdefault(topic, [])
            offsets += [0] * (partition - len(offsets))  # partitions never heard of
            offsets.append(self._next[topic, partition])
        return ",".join(f"{topic}:{'.'.join(map(str, offsets))}" for topic, offsets in numbers.items())
