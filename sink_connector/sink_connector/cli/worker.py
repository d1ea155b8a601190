"""`sink-connector worker [FILE.properties]`: one of a group of workers, told over REST what to run, until it is stopped."""

import argparse

import structlog
import uvloop

from sink_connector import telemetry
from sink_connector.bootstrap import run_worker
from sink_connector.config.worker import read_worker, settings_without_effect, unknown_settings
from sink_connector.logs import configure_logging

log = structlog.get_logger()


def run(options: argparse.Namespace) -> int:
    """0 when it was stopped. Raises `ConfigError` for settings that cannot be used."""
    config = read_worker(file=options.properties)
    configure_logging(config.log_level, config.providers.redactor)
    for name, meant in unknown_settings(options.properties).items():
        log.warning("setting.ignored", setting=name, did_you_mean=meant)
    for name, instead in config.overridden.items():
        log.warning("setting.overridden", setting=name, by=instead)
    if idle := settings_without_effect(options.properties):
        log.info("settings.without_effect", settings=idle)
    telemetry.start("sink-connector")
    return uvloop.run(run_worker(config))
