"""Everything a connector is made of, made once to see whether its configuration can be used."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from sink_connector.config.connector import ConnectorConfig
from sink_connector.config.families import OVERRIDES
from sink_connector.config.parser import parse_connector
from sink_connector.config.providers import ConfigProviders
from sink_connector.config.reader import concealed
from sink_connector.config.worker import WorkerConfig
from sink_connector.converters import Converter
from sink_connector.converters.factory import make_converter
from sink_connector.errors import ConfigError
from sink_connector.runtime.conversion import RecordConverter
from sink_connector.runtime.kafka_options import consumer_options
from sink_connector.runtime.record_converter import make_record_converter
from sink_connector.runtime.record_table import RecordTable
from sink_connector.transforms import Chain
from sink_connector.transforms.configuration import chain_of

# Keys whose problems may quote one another's values.
FAMILIES = (("transforms", "predicates"), ("key.converter",), ("value.converter",), ("consumer.override",))


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
        """The transforms, in order."""
        return chain_of(self.config.resolved)

    def conversion(self) -> RecordConverter:
        """From a Kafka record to what is written."""
        key, value = self.converters()
        convert = make_record_converter(self.config, self.chain(), key=key, value=value)
        table = self.config.table
        return (
            RecordTable(table, convert) if table.record_table_field or table.record_table_header else convert
        )


def define_connector(
    given: Mapping[str, str | None], worker: WorkerConfig, providers: ConfigProviders | None = None
) -> ConnectorDefinition:
    """What a configuration comes to in this process.

    Args:
        given: The configuration as it was written. What it says nothing of, converters, is the worker's.
        worker: The settings of this process.
        providers: What its references may lead to; the worker's own providers when None.

    Raises:
        ConfigError: With the problems of every key; whatever goes wrong here is a problem of the configuration.
    """
    config = parse_connector(worker.completed(given), worker.providers if providers is None else providers)
    problems: dict[str, list[str]] = {}
    options: dict[str, Any] = {}

    def kafka_options() -> None:
        try:
            found = consumer_options(
                {**worker.security, **worker.consumer, **config.consumer},
                bootstrap_servers=worker.bootstrap_servers,
                group_id=config.group_id,
            )
        except ConfigError as error:
            named = {_as_written(key, config, worker): said for key, said in error.problems.items()}
            raise ConfigError(named) from error
        options.update(found)

    for key, step in (
        ("key.converter", partial(make_converter, config.key_converter, is_key=True)),
        ("value.converter", partial(make_converter, config.value_converter, is_key=False)),
        ("transforms", partial(chain_of, config.resolved)),
        ("consumer.override", kafka_options),
    ):
        problems |= _problems_of(key, step)
    problems |= worker.overrides.problems_of(config.given)
    if problems:
        raise ConfigError(concealed(problems, config.given, families=FAMILIES))
    return ConnectorDefinition(config=config, consumer=options)


def _as_written(key: str, config: ConnectorConfig, worker: WorkerConfig) -> str:
    """The key of a problem with the consumer as whoever can mend it has written it: the worker has such keys, too."""
    name = key.removeprefix(OVERRIDES)
    if name == key or name in config.consumer:
        return key
    if name in worker.consumer:
        return f"consumer.{name}"
    return name if name in worker.security else key


def _problems_of(key: str, step: Callable[[], object]) -> dict[str, list[str]]:
    try:
        step()
    except ConfigError as error:
        return error.problems
    except MemoryError:
        raise  # the process is short of it, which says nothing of the configuration
    except Exception as error:  # noqa: BLE001 - libraries fail in ways of their own over what they are given
        return {key: [str(error) if isinstance(error, ValueError) else f"cannot be used: {error!r}"]}
    return {}
