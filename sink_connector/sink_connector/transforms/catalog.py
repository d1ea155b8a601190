"""The transforms and predicates there are, by the names of their Java classes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Generic, TypeVar

from sink_connector.config.definition import Key
from sink_connector.transforms import Predicate, Transform
from sink_connector.transforms.cast import Cast
from sink_connector.transforms.data import Change, OnKey, OnValue
from sink_connector.transforms.debezium import CLASS_NAME, ExtractNewRecordState
from sink_connector.transforms.fields import ExtractField, HoistField, ReplaceField, ValueToKey
from sink_connector.transforms.flatten import Flatten
from sink_connector.transforms.headers import (
    DropHeaders,
    HeaderFrom,
    HeaderFromKey,
    HeaderFromValue,
    InsertHeader,
)
from sink_connector.transforms.insert_field import InsertField
from sink_connector.transforms.mask_field import MaskField
from sink_connector.transforms.options import Options
from sink_connector.transforms.predicates import HasHeaderKey, RecordIsTombstone, TopicNameMatches
from sink_connector.transforms.routers import Filter, RegexRouter, TimestampRouter
from sink_connector.transforms.schema_metadata import SetSchemaMetadata
from sink_connector.transforms.timestamp_converter import TimestampConverter

PACKAGE = "org.apache.kafka.connect.transforms."

Made_co = TypeVar("Made_co", covariant=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin(Generic[Made_co]):
    """A transform or predicate as configurations name it. `make` notes what is wrong with the options in them."""

    class_name: str
    short_name: str
    options: tuple[Key, ...]
    make: Callable[[Options], Made_co]


Sided = Callable[[Options], Change]


def _on_key(change: Sided, options: Options) -> Transform:
    return OnKey(change(options))


def _on_value(change: Sided, options: Options) -> Transform:
    return OnValue(change(options))


_SIDED: Mapping[str, tuple[tuple[Key, ...], Sided]] = {
    each.__name__: (each.OPTIONS, each)
    for each in (
        Cast, ExtractField, Flatten, HoistField, InsertField, MaskField, ReplaceField, SetSchemaMetadata, TimestampConverter,
    )
}  # fmt: skip
_WHOLE: Mapping[str, tuple[tuple[Key, ...], Callable[[Options], Transform]]] = {
    each.__name__: (each.OPTIONS, each)
    for each in (DropHeaders, Filter, InsertHeader, RegexRouter, TimestampRouter, ValueToKey)
} | {
    "HeaderFrom$Key": (HeaderFrom.OPTIONS, HeaderFromKey),
    "HeaderFrom$Value": (HeaderFrom.OPTIONS, HeaderFromValue),
}  # fmt: skip


def _transforms() -> dict[str, Plugin[Transform]]:
    makers = dict(_WHOLE)
    for name, (options, change) in _SIDED.items():
        makers[f"{name}$Key"] = (options, partial(_on_key, change))
        makers[f"{name}$Value"] = (options, partial(_on_value, change))
    return {
        name: Plugin(class_name=PACKAGE + name, short_name=name, options=options, make=make)
        for name, (options, make) in sorted(makers.items())
    }


TRANSFORMS: Mapping[str, Plugin[Transform]] = _transforms()  # Connect's own
EXTRACT_NEW_RECORD_STATE: Plugin[Transform] = Plugin(
    class_name=CLASS_NAME,
    short_name="ExtractNewRecordState",
    options=ExtractNewRecordState.OPTIONS,
    make=ExtractNewRecordState,
)
ALL_TRANSFORMS: Mapping[str, Plugin[Transform]] = {
    **TRANSFORMS,
    EXTRACT_NEW_RECORD_STATE.short_name: EXTRACT_NEW_RECORD_STATE,
}
PREDICATES: Mapping[str, Plugin[Predicate]] = {
    each.__name__: Plugin(
        class_name=f"{PACKAGE}predicates.{each.__name__}",
        short_name=each.__name__,
        options=each.OPTIONS,
        make=each,
    )
    for each in (HasHeaderKey, RecordIsTombstone, TopicNameMatches)
}


def find(plugins: Mapping[str, Plugin[Made_co]], name: str) -> Plugin[Made_co] | None:
    """A plugin by its Java class (`org.apache.kafka.connect.transforms.Cast$Value`) or its short name (`Cast$Value`)."""
    return next((each for each in plugins.values() if name in {each.class_name, each.short_name}), None)
