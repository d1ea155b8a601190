"""The entries of one table's batch, reduced to what has to be written: the last state of every key, sorted by key.

Keys do not depend on each other, the entries of one key do. Entries of a key that cannot be reduced to the last one (a
row after its deletion, a state with other columns) go to successive layers; a layer holds each key once.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sink_connector.data.record_schema import RecordSchema
from sink_connector.data.write_record import WriteRecord
from sink_connector.sink.column_mapping import ColumnMapping

LayoutOf = Callable[[RecordSchema | None, RecordSchema | None], ColumnMapping]
Layer = dict[Any, WriteRecord]


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one layout that are written by one statement; `delete` when they are tombstones.

    A group of an earlier `layer` is written before those of a later one.
    """

    layout: ColumnMapping
    entries: Sequence[WriteRecord]
    delete: bool
    layer: int = 0


def in_order(entries: Sequence[WriteRecord], layout_of: LayoutOf) -> list[Group]:
    """Everything as it came, for tables without a key: neighbours of one layout form a group."""
    return [Group(layout, run, delete=run[0].value is None) for layout, run in runs(entries, layout_of)]


def runs(
    entries: Sequence[WriteRecord], layout_of: LayoutOf
) -> Iterator[tuple[ColumnMapping, Sequence[WriteRecord]]]:
    """Neighbours of one layout, in order."""
    if not entries:
        return
    start, first = 0, entries[0]
    for place, entry in enumerate(entries):
        if entry.shape is not first.shape or entry.key_shape is not first.key_shape:
            yield layout_of(first.key_shape, first.shape), entries[start:place]
            start, first = place, entry
    yield layout_of(first.key_shape, first.shape), entries[start:]


def keys_of(entries: Sequence[WriteRecord], layout_of: LayoutOf) -> list[Any]:
    """The key of every entry, as its layout has it. Raises `BadRecordError` when one has none."""
    keys: list[Any] = []
    for layout, run in runs(entries, layout_of):
        keys.extend(map(layout.key_of, run))  # type: ignore[arg-type] # the layouts of a keyed table have one
    return keys


def last_states(
    entries: Sequence[WriteRecord],
    layout_of: LayoutOf,
    *,
    keys: Sequence[Any] | None = None,
    reduce: bool = True,
) -> list[Group]:
    """Groups to be written in this order, each sorted by key, so that all tasks lock rows in the same order.

    The last state of a key wins, or the one with the highest version. Without `reduce` (plain inserts, where a repeated
    key is an error that must show) every entry is kept, those of one key in their order. `keys` are those of the entries
    where they are to be compared otherwise than `keys_of` gives them.
    """
    top: Layer = {}
    layers = [top]
    depths: dict[Any, int] = {}
    for key, entry in zip(keys_of(entries, layout_of) if keys is None else keys, entries, strict=True):
        if top.setdefault(key, entry) is entry:
            continue
        depth = depths.get(key, 0)
        earlier = layers[depth][key]
        if not (reduce and _supersedes(entry, earlier)):
            depths[key] = depth + 1
            if len(layers) == depth + 1:
                layers.append({})
            layers[depth + 1][key] = entry
        elif not _older(entry, earlier, layout_of):
            layers[depth][key] = entry
    return [group for number, layer in enumerate(layers) for group in _groups(layer, layout_of, number)]


def _same_layout(one: WriteRecord, other: WriteRecord) -> bool:
    return one.shape == other.shape and one.key_shape == other.key_shape


def _supersedes(entry: WriteRecord, earlier: WriteRecord) -> bool:
    """Whether writing `entry` alone leaves what writing both would: a deletion, or a state of the same columns."""
    return entry.value is None or (earlier.value is not None and _same_layout(entry, earlier))


def _older(entry: WriteRecord, earlier: WriteRecord, layout_of: LayoutOf) -> bool:
    if entry.value is None:
        return False
    layout = layout_of(entry.key_shape, entry.shape)
    if layout.version_of is None:
        return False
    version, known = layout.version_of(entry.value), layout.version_of(earlier.value)
    return version is not None and known is not None and bool(version <= known)


def _groups(layer: Layer, layout_of: LayoutOf, number: int) -> list[Group]:
    members: dict[tuple[RecordSchema | None, RecordSchema | None], list[WriteRecord]] = {}
    key_shape: RecordSchema | None = None
    shape: RecordSchema | None = None
    found: list[WriteRecord] | None = None
    for key in _sorted(layer):
        entry = layer[key]
        if found is None or entry.shape is not shape or entry.key_shape is not key_shape:
            key_shape, shape = entry.key_shape, entry.shape
            found = members.setdefault(
                (key_shape, shape), []
            )  # compared by value, which neighbours are spared
        found.append(entry)
    return [
        Group(layout_of(*shapes), entries, delete=shapes[1] is None, layer=number)
        for shapes, entries in members.items()
    ]


def _sorted(layer: Layer) -> list[Any]:
    try:
        return sorted(layer)
    except TypeError:  # keys of several types, or with null in them
        return sorted(layer, key=repr)
