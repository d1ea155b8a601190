"""Everything a connector is made of, made once to see whether its configuration can be used."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sink_connector.config.connector import ConnectorConfig, parse_connector
from sink_connector.config.worker import WorkerConfig
from sink_connector.converters import Converter
from sink_connector.converters.factory import make_converter
from sink_connector.errors import ConfigError
from sink_connector.runtime.kafka_options import consumer_options
from sink_connector.runtime.record_converter import Conversion, make_conversion
from sink_connector.transforms import Chain
from sink_connector.transforms.configuration import chain_of


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectorDefinition:
    """A usable configuration. What it makes is made anew for every task."""

    config: ConnectorConfig
    consumer: Mapping[str, Any]

    def converters(self) -> tuple[Converter, Converter]:
        """The key's and the value's."""
        return (
            make_converter(self.config.key_converter, is_key=True),
            make_converter(self.config.value_converter, is_key=False),
        )

    def chain(self) -> Chain:
        return chain_of(self.config.resolved)

    def conversion(self) -> Conversion:
        key, value = self.converters()
        return make_conversion(self.config, self.chain(), key=key, value=value)


def define_connector(given: Mapping[str, str], worker: WorkerConfig) -> ConnectorDefinition:
    """Raises `ConfigError` with the problems of every key."""
    config = parse_connector(given)
    problems: dict[str, list[str]] = {}
    connector_definition = ConnectorDefinition(config=config, consumer={})
    for name, converter, is_key in (
        ("key.converter", config.key_converter, True),
        ("value.converter", config.value_converter, False),
    ):
        try:
            make_converter(converter, is_key=is_key)
        except ValueError as error:
            problems[name] = [str(error)]
    try:
        connector_definition.chain()
    except ConfigError as error:
        problems |= error.problems
    try:
        options = consumer_options(
            {**worker.security, **worker.consumer, **config.consumer},
            bootstrap_servers=worker.bootstrap_servers,
            group_id=config.group_id,
        )
    except ConfigError as error:
        problems |= error.problems
    if problems:
        raise ConfigError(problems)
    return ConnectorDefinition(config=config, consumer=options)
