"""Keys of a family (`transforms.<alias>.…`, `value.converter.…`) that nobody reads: misspelt, or of an alias that is named nowhere."""

import difflib
from collections.abc import Iterator, Mapping

from sink_connector.config.consumer_keys import CONSUMER, SECURITY
from sink_connector.config.providers import has_reference

LISTS = {"transforms": "transforms.", "predicates": "predicates.", "projections": "projection."}
CONVERTERS = ("key.converter.", "value.converter.")
OVERRIDES = "consumer.override."
OPTIONS = (
    "converter.encoding", "decimal.format", "replace.null.with.default", "schema.registry.url", "schemas.cache.size",
    "schemas.enable",
)  # fmt: skip
ALIKE = 0.85  # what a converter of somebody's own may take is less like these


def stray_keys(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Each such key, with what continues its name to a sentence."""
    for names, prefix in LISTS.items():
        if has_reference(given.get(names, "")):
            continue
        aliases = tuple(
            f"{prefix}{alias.strip()}." for alias in given.get(names, "").split(",") if alias.strip()
        )
        for key in given:
            if key.startswith(prefix) and not key.startswith(aliases):
                alias = key.removeprefix(prefix).partition(".")[0]
                yield key, f"has no effect: {names} does not name {alias}"
    for prefix in CONVERTERS:
        for key in given:
            if key.startswith(prefix) and (meant := _meant(key.removeprefix(prefix))):
                yield key, f"is not known; it has no effect; did you mean {prefix}{meant}?"

    for key in given:
        name = key.removeprefix(OVERRIDES)
        if key.startswith(OVERRIDES) and name not in CONSUMER and not name.startswith(SECURITY):
            near = difflib.get_close_matches(name, CONSUMER, n=1, cutoff=ALIKE)
            meant = f"is not known; it has no effect; did you mean {OVERRIDES}{near[0]}?" if near else ""
            yield key, meant or "is not known to the consumer here; it has no effect"


def _meant(option: str) -> str | None:
    if option in OPTIONS:
        return None
    return next(iter(difflib.get_close_matches(option, OPTIONS, n=1, cutoff=ALIKE)), None)
