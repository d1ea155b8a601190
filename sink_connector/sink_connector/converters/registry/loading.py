"""The registry's converters, loaded only where a connector asks for one: what they need is an extra."""

from collections.abc import Mapping

from sink_connector.converters import Converter
from sink_connector.converters.registry.wire import Compile, RegistryConverter, SchemaSource


def make_registry_converter(kind: str, options: Mapping[str, str], is_key: bool) -> Converter:  # noqa: ARG001, FBT001 - MakeConverter's
    """A converter for one kind of schemas. Raises `ValueError` for options that cannot be used.

    The packages it needs are the extra `sink-connector[registry]`, loaded only when a connector asks for it.
    """
    try:
        compile_schema, source = _loaded(kind, options)
    except ImportError as error:
        raise ValueError(f"needs the extra sink-connector[registry]: {error}") from error
    return RegistryConverter(source=source, kind=kind, compile_schema=compile_schema)


def _loaded(kind: str, options: Mapping[str, str]) -> tuple[Compile, SchemaSource]:
    from sink_connector.converters.registry.client import make_source  # noqa: PLC0415 - an extra, see above

    source = make_source(options)
    match kind:
        case "AVRO":
            from sink_connector.converters.registry import avro  # noqa: PLC0415 - an extra that not every worker has

            return avro.compiler(options), source
        case "PROTOBUF":
            from sink_connector.converters.registry import protobuf  # noqa: PLC0415 - an extra that not every worker has

            return protobuf.compiler(options), source
    from sink_connector.converters.registry import json_schema  # noqa: PLC0415 - an extra that not every worker has

    return json_schema.compile_json_schema, source
