"""The entries of one table's batch, reduced to what has to be written: the last state of every key, sorted by key.

Keys do not depend on each other, the entries of one key do. Entries of a key that cannot be reduced to the last one (a
row after its deletion, a state with other columns) go to successive layers. An entry is known
here by its place in the batch: whole columns of places are what is sorted and chosen from.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from sink_connector.data.record_schema import RecordSchema
from sink_connector.data.write_record import WriteRecords
from sink_connector.sink.column_mapping import ColumnMapping

LayoutOf = Callable[[RecordSchema | None, RecordSchema | None], ColumnMapping]
Schemas = tuple[RecordSchema | None, RecordSchema | None]  # of key and value
Layer = dict[Any, int]  # the places by their keys
# A version that only the database can compare: null, NaN, or a text, which may be an instant or a number.
INCOMPARABLE = object()


@dataclass(frozen=True, slots=True)
class Group:
    """Entries of one layout that are written by one statement; `delete` when they are tombstones.

    A group of an earlier `layer` is written before those of a later one.
    """

    layout: ColumnMapping
    entries: WriteRecords
    delete: bool
    layer: int = 0


def in_order(entries: WriteRecords, layout_of: LayoutOf) -> list[Group]:
    """Everything as it came, for tables without a key: neighbours of one layout form a group."""
    return [Group(layout, run, delete=run.values[0] is None) for layout, run in runs(entries, layout_of)]


def runs(entries: WriteRecords, layout_of: LayoutOf) -> Iterator[tuple[ColumnMapping, WriteRecords]]:
    """Neighbours of one layout, in order."""
    for run in entries.runs():
        yield layout_of(run.key_shapes[0], run.shapes[0]), run


def keys_of(entries: WriteRecords, layout_of: LayoutOf) -> list[Any]:
    """The key of every entry, as its layout has it. Raises `BadRecordError` when one has none."""
    keys: list[Any] = []
    for layout, run in runs(entries, layout_of):
        keys.extend(layout.keys_of(run))  # type: ignore[misc] # the layouts of a keyed table have one
    return keys


def last_states(
    entries: WriteRecords,
    layout_of: LayoutOf,
    *,
    keys: Sequence[Any] | None = None,
    by_place: bool = False,
) -> list[Group]:
    """Groups to be written in this order, each sorted by key, so that all tasks lock rows in the same order.

    The last state of a key wins, or the one with the highest version; where only the database can compare two versions, both
    states are written, one after the other. `keys` are those of the entries where they are to be compared otherwise than
    `keys_of` gives them. With `by_place`, each group is in the order in which its entries came.
    """
    found = keys_of(entries, layout_of) if keys is None else keys
    last = dict(zip(found, range(len(found)), strict=True))
    is_repeated = len(last) < len(found)
    return [
        group
        for number, layer in enumerate(_layers(entries, found, layout_of, last) if is_repeated else [last])
        for group in _groups(
            entries,
            sorted(layer.values()) if by_place else [layer[key] for key in _sorted(layer)],
            layout_of,
            number,
        )
    ]


def all_states(
    entries: WriteRecords,
    layout_of: LayoutOf,
    *,
    keys: Sequence[Any] | None = None,
    by_place: bool = False,
) -> list[Group]:
    """The same with every entry kept, those of one key in their order: the database says what a repeated key means.

    A layer holds more than one entry of a key where they have the same columns.
    """
    layers: list[dict[Any, list[int]]] = [{}]
    depths: dict[Any, int] = {}
    for place, key in enumerate(keys_of(entries, layout_of) if keys is None else keys):
        depth = depths.get(key, 0)
        states = layers[depth].setdefault(key, [])
        if states and not _have_same_columns(entries, place, states[-1]):
            depths[key] = depth = depth + 1
            if len(layers) == depth:
                layers.append({})
            states = layers[depth].setdefault(key, [])
        states.append(place)
    return [
        group
        for number, layer in enumerate(layers)
        for group in _groups(
            entries,
            sorted(chain.from_iterable(layer.values()))
            if by_place
            else [place for key in _sorted(layer) for place in layer[key]],
            layout_of,
            number,
        )
    ]


def _layers(entries: WriteRecords, keys: Sequence[Any], layout_of: LayoutOf, last: Layer) -> list[Layer]:
    """Of entries among which a key is repeated; `last` are the last places of the keys."""
    have_same_columns = entries.have_one_schema and entries.shapes[0] is not None
    if have_same_columns and layout_of(entries.key_shapes[0], entries.shapes[0]).version_of is None:
        return [last]
    versions = _versions(entries, layout_of)
    if have_same_columns and INCOMPARABLE not in versions:
        return [_newest(keys, versions)]
    top: Layer = {}
    layers = [top]
    depths: dict[Any, int] = {}
    for place, key in enumerate(keys):
        if top.setdefault(key, place) == place:
            continue
        depth = depths.get(key, 0)
        earlier = layers[depth][key]
        if not _supersedes(entries, place, earlier) or _is_undecided(versions, place, earlier):
            depths[key] = depth + 1
            if len(layers) == depth + 1:
                layers.append({})
            layers[depth + 1][key] = place
        elif not _older(versions, place, earlier):
            layers[depth][key] = place
    return layers


def _newest(keys: Sequence[Any], versions: Sequence[Any]) -> Layer:
    """The last place of each key, or that of its highest version: what `_layers` gives for states of the same columns."""
    newest: Layer = {}
    for place, key in enumerate(keys):
        known = newest.setdefault(key, place)
        if known != place and (
            versions[place] is None or versions[known] is None or versions[place] > versions[known]
        ):
            newest[key] = place
    return newest


def _versions(entries: WriteRecords, layout_of: LayoutOf) -> list[Any]:
    """The version of every entry; None for a tombstone, and where there is none to compare."""
    versions: list[Any] = []
    for layout, run in runs(entries, layout_of):
        if layout.version_of is None or run.shapes[0] is None:
            versions += [None] * len(run)
        else:
            versions += map(_comparable, map(layout.version_of, run.values))
    return versions


def _comparable(version: Any) -> Any:
    is_ordered = version is not None and not isinstance(version, str | bytes) and version == version  # noqa: PLR0124 - NaN
    return version if is_ordered else INCOMPARABLE


def _is_undecided(versions: Sequence[Any], place: int, earlier: int) -> bool:
    version, known = versions[place], versions[earlier]
    return INCOMPARABLE in {version, known} and version is not None and known is not None


def _supersedes(entries: WriteRecords, place: int, earlier: int) -> bool:
    """Whether writing `place` alone leaves what writing both would: a deletion, or a state of the same columns."""
    values = entries.values
    return values[place] is None or (
        values[earlier] is not None and _have_same_columns(entries, place, earlier)
    )


def _have_same_columns(entries: WriteRecords, place: int, earlier: int) -> bool:
    shapes, key_shapes = entries.shapes, entries.key_shapes
    return shapes[place] == shapes[earlier] and key_shapes[place] == key_shapes[earlier]


def _older(versions: Sequence[Any], place: int, earlier: int) -> bool:
    version, known = versions[place], versions[earlier]
    return version is not None and known is not None and bool(version <= known)


def _groups(
    entries: WriteRecords, places: Sequence[int], layout_of: LayoutOf, number: int
) -> Iterator[Group]:
    for schemas, found in _by_schemas(entries, places).items():
        yield Group(layout_of(*schemas), entries.at(found), delete=schemas[1] is None, layer=number)


def _by_schemas(entries: WriteRecords, places: Sequence[int]) -> dict[Schemas, Sequence[int]]:
    key_shapes, shapes = entries.key_shapes, entries.shapes
    if entries.have_one_schema:
        return {(key_shapes[0], shapes[0]): places}
    members: dict[Schemas, list[int]] = {}
    last: int | None = None
    for place in places:
        if last is None or shapes[place] is not shapes[last] or key_shapes[place] is not key_shapes[last]:
            # compared by value, which neighbours are spared
            found = members.setdefault((key_shapes[place], shapes[place]), [])
        found.append(place)
        last = place
    return dict(members)


def _sorted(layer: Collection[Any]) -> list[Any]:
    try:
        return sorted(layer)
    except TypeError:  # keys of several types, or with null in them
        return sorted(layer, key=repr)
