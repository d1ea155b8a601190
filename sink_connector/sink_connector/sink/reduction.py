"""The entries of one table's batch, reduced to what has to be written: the last state of every key, sorted by key.

Keys do not depend on each other, the entries of one key do. Entries of a key that cannot be reduced to the last one (a
row after its deletion, a state with other columns) go to successive layers; a layer holds each key once.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sink_connector.data.record_schema import Shape
from sink_connector.data.write_record import Entry
from sink_connector.sink.column_mapping import Layout

LayoutOf = Callable[[Shape | None, Shape | None], Layout]
Layer = dict[Any, Entry]


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one layout that are written by one statement; `delete` when they are tombstones."""

    layout: Layout
    entries: Sequence[Entry]
    delete: bool


def in_order(entries: Sequence[Entry], layout_of: LayoutOf) -> list[Group]:
    """Everything as it came, for tables without a key: neighbours of one layout form a group."""
    groups: list[Group] = []
    start, first = 0, entries[0]
    for place, entry in enumerate(entries):
        if entry.shape is not first.shape or entry.key_shape is not first.key_shape:
            groups.append(Group(layout_of(first.key_shape, first.shape), entries[start:place], delete=False))
            start, first = place, entry
    return [*groups, Group(layout_of(first.key_shape, first.shape), entries[start:], delete=False)]


def last_states(entries: Sequence[Entry], layout_of: LayoutOf, *, reduce: bool = True) -> list[Group]:
    """Groups to be written in this order, each sorted by key, so that all tasks lock rows in the same order.

    The last state of a key wins, or the one with the highest version. Without `reduce` (plain inserts, where a repeated
    key is an error that must show) every entry is kept, those of one key in their order.
    """
    top: Layer = {}
    layers = [top]
    depths: dict[Any, int] = {}
    key_shape = shape = layout = key_of = None
    for entry in entries:
        if layout is None or entry.shape is not shape or entry.key_shape is not key_shape:
            shape, key_shape = entry.shape, entry.key_shape
            layout = layout_of(key_shape, shape)
            key_of = layout.key_of
        key = key_of(entry)  # type: ignore[misc] # the layouts of a keyed table have one
        if top.setdefault(key, entry) is entry:
            continue
        depth = depths.get(key, 0)
        earlier = layers[depth][key]
        if not (reduce and _supersedes(entry, earlier)):
            depths[key] = depth + 1
            if len(layers) == depth + 1:
                layers.append({})
            layers[depth + 1][key] = entry
        elif not _older(entry, earlier, layout):
            layers[depth][key] = entry
    return [group for layer in layers for group in _groups(layer, layout_of)]


def _same_layout(one: Entry, other: Entry) -> bool:
    return one.shape is other.shape and one.key_shape is other.key_shape


def _supersedes(entry: Entry, earlier: Entry) -> bool:
    """Whether writing `entry` alone leaves what writing both would: a deletion, or a state of the same columns."""
    return entry.value is None or (earlier.value is not None and _same_layout(entry, earlier))


def _older(entry: Entry, earlier: Entry, layout: Layout) -> bool:
    if layout.version_of is None or entry.value is None:
        return False
    version, known = layout.version_of(entry.value), layout.version_of(earlier.value)
    return version is not None and known is not None and bool(version <= known)


def _groups(layer: Layer, layout_of: LayoutOf) -> list[Group]:
    members: dict[tuple[Shape | None, Shape | None], list[Entry]] = {}
    for key in _sorted(layer):
        entry = layer[key]
        members.setdefault((entry.key_shape, entry.shape), []).append(entry)
    return [
        Group(layout_of(key_shape, shape), found, delete=shape is None)
        for (key_shape, shape), found in members.items()
    ]


def _sorted(layer: Layer) -> list[Any]:
    try:
        return sorted(layer)
    except TypeError:  # keys of several types, or with null in them
        return sorted(layer, key=repr)
