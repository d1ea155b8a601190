"""Which converter a configuration asks for, by the name of Connect's class."""

from collections.abc import Callable, Mapping
from functools import partial

from sink_connector.config.connector import ConverterConfig
from sink_connector.config.definition import JSON_CONVERTER
from sink_connector.converters import Converter
from sink_connector.converters.json_envelope import EnvelopeConverter
from sink_connector.converters.plain_json import PlainJsonConverter
from sink_connector.converters.primitives import PARSERS, PrimitiveConverter, text_parser
from sink_connector.converters.registry.loading import make_registry_converter
from sink_connector.converters.registry.wire import REGISTRY_CLASSES
from sink_connector.data.record import Type

ENCODING = "converter.encoding"  # of a StringConverter
REPLACE_NULL_WITH_DEFAULT = "replace.null.with.default"

# Makes a converter from its options (without their prefix) and whether it is for keys.
MakeConverter = Callable[[Mapping[str, str], bool], Converter]


class UnknownConverterError(ValueError):
    """No converter has this name; the message lists those there are."""


def make_converter(config: ConverterConfig, *, is_key: bool) -> Converter:
    """By the whole name of the class, its last part, or that without `Converter`, as Connect finds a plugin.

    Raises `UnknownConverterError`, or `ValueError` for options that cannot be used.
    """
    make = CONVERTERS.get(config.class_name) or SHORT_NAMES.get(config.class_name)
    if make is None:
        raise UnknownConverterError(
            f"{config.class_name!r} is not known here; known are {', '.join(CONVERTERS)}"
        )
    return make(config.options, is_key)


def _json(options: Mapping[str, str], is_key: bool) -> Converter:  # noqa: ARG001, FBT001 - the signature of MakeConverter
    with_schemas, replace_null = (
        _flag(options, name) for name in ("schemas.enable", REPLACE_NULL_WITH_DEFAULT)
    )
    return EnvelopeConverter(replace_null=replace_null) if with_schemas else PlainJsonConverter()


def _flag(options: Mapping[str, str], name: str) -> bool:
    """An option that is true unless it says otherwise."""
    value = options.get(name, "true").strip().lower()
    if value not in {"true", "false"}:
        raise ValueError(f"{name} is {value!r}, it must be true or false")
    return value == "true"


def _primitive(name: str, options: Mapping[str, str], is_key: bool) -> Converter:  # noqa: ARG001, FBT001 - as above
    kind, parse = PARSERS[name]
    if kind is Type.STRING and ENCODING in options:
        parse = text_parser(options[ENCODING])
    return PrimitiveConverter(kind, parse)


CONVERTERS: dict[str, MakeConverter] = {
    JSON_CONVERTER: _json,
    **{name: partial(_primitive, name) for name in PARSERS},
    **{name: partial(make_registry_converter, kind) for name, kind in REGISTRY_CLASSES.items()},
}
SHORT_NAMES: dict[str, MakeConverter] = {
    short: make
    for name, make in CONVERTERS.items()
    for short in (name.rpartition(".")[2], name.rpartition(".")[2].removesuffix("Converter"))
}
