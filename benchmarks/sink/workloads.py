"""What is drained: a filled topic, how it is to be written, and its records again."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from uuid import uuid4

from benchmarks.sink import formats, transforms
from benchmarks.sink.orders import Order, new_orders, orders_and_updates
from benchmarks.sink.topics import FilledTopic, Values, fill_topic

DRAIN, TRANSFORMS, FORMATS, KILLS = "drain", "transforms", "formats", "kills"
"""Parts of the benchmark that need a filled topic."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """A filled topic, the mode it is written in, and its records again."""

    name: str
    mode: str
    topic: FilledTopic
    orders: Callable[[], Iterable[Order]]
    table: str = "table"
    """The statement that makes the table, or something that answers as the table `orders` would."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """Connector keys for every sink."""
    groups: Collection[str] | None = None
    """Who can do it; None: everybody."""


async def fill(
    parts: Collection[str], *, records: int, killed_records: int, bootstrap: str, registry: str
) -> list[Workload]:
    """Produce the topics that `parts` need: `records` each, more of them to be killed over.

    `upsert` and `transforms` share one. `registry` is the URL of the schema registry that `formats` need.
    """
    filled = []
    if DRAIN in parts:
        filled.append(await _filled("insert", new_orders, records, bootstrap))
    if {DRAIN, TRANSFORMS} & set(parts):
        plain = await _filled("upsert", orders_and_updates, records, bootstrap)
        changed = replace(
            plain,
            name=TRANSFORMS,
            table="changed_table",
            settings=transforms.SETTINGS,
            groups=("ours", "connect"),
        )
        filled += [workload for part, workload in ((DRAIN, plain), (TRANSFORMS, changed)) if part in parts]
    if FORMATS in parts:
        for name, form in formats.FORMATS.items():
            values = form.values(await form.register(registry, f"benchmark-{name}"))
            same = await _filled("upsert", orders_and_updates, records, bootstrap, values)
            filled.append(replace(same, name=name, settings=form.settings(registry), groups=("ours",)))
    if KILLS in parts:
        plain = await _filled("insert", new_orders, killed_records, bootstrap)
        filled.append(replace(plain, name=KILLS))
    return filled


async def _filled(
    name: str,
    generate: Callable[[int], Iterator[Order]],
    records: int,
    bootstrap: str,
    values: Values | None = None,
) -> Workload:
    orders = partial(generate, records)
    topic = await fill_topic(bootstrap, f"benchmark-{name}-{uuid4().hex[:8]}", orders(), values)
    print(f"{topic.records:,} records of {topic.value_bytes:.0f} bytes in {topic.name}", flush=True)
    return Workload(name=name, mode=name, topic=topic, orders=orders)
