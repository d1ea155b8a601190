"""A mapping of bounded size that forgets what was not used for longest."""

from collections import OrderedDict
from typing import Generic, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")

# More schemas than this in use at once mean that schemas are made up per record.
MOST_SCHEMAS = 1024


class LruCache(Generic[Key, Value]):
    """Holds at most `most` entries, of at most `most_weight` in all where entries are given a weight."""

    def __init__(self, most: int, *, most_weight: int | None = None) -> None:
        """Takes what it works with."""
        self._most = most
        self._most_weight = most_weight
        self._entries: OrderedDict[Key, tuple[Value, int]] = OrderedDict()
        self._weight = 0

    def __len__(self) -> int:
        """The number of entries."""
        return len(self._entries)

    def __contains__(self, key: Key) -> bool:
        """Whether there is an entry; not a use of it."""
        return key in self._entries

    def get(self, key: Key) -> Value | None:
        """The value of a key, which counts as a use of it; None when there is none."""
        found = self._entries.get(key)
        if found is None:
            return None
        self._entries.move_to_end(key)
        return found[0]

    def put(self, key: Key, value: Value, *, weight: int = 0) -> Value:
        """Store a value, forgetting others until it fits; returns it."""
        self.pop(key)
        self._entries[key] = value, weight
        self._weight += weight
        while len(self._entries) > self._most or self._is_too_heavy():
            _, (_, forgotten) = self._entries.popitem(last=False)
            self._weight -= forgotten
        return value

    def pop(self, key: Key) -> None:
        """Forget a key, if it is there."""
        found = self._entries.pop(key, None)
        if found is not None:
            self._weight -= found[1]

    def _is_too_heavy(self) -> bool:
        return self._most_weight is not None and self._weight > self._most_weight and len(self._entries) > 1
