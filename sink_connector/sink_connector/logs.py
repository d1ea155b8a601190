"""Structured logs on standard output, and the levels of the loggers, which may be changed while the worker runs.

One mechanism for all: the standard library's loggers, named by module (`sink_connector.runtime.sink_task`), whoever logs.
The services' `logs.py` is shorter and faster: nobody changes their levels by name, and they have nothing to redact.
"""

import logging
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import TextIO

import structlog

from sink_connector.config.redaction import Redactor
from sink_connector.errors import ConfigError

# Connect's names, which are log4j's.
LEVELS = {
    "OFF": logging.CRITICAL + 10,
    "FATAL": logging.CRITICAL,
    "ERROR": logging.ERROR,
    "WARN": logging.WARNING,
    "INFO": logging.INFO,
    "DEBUG": logging.DEBUG,
    "TRACE": 5,
}
PYTHONS = {"CRITICAL": logging.CRITICAL, "WARNING": logging.WARNING}  # its own names for two of them
NAMES = {number: name for name, number in LEVELS.items()}
OWN, ROOT = "sink_connector", "root"


class LogHandler(logging.StreamHandler[TextIO]):
    """Writes lines to a stream. When nobody reads it any more (`| head`), the process is asked to stop, once."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the standard library's name
        """What became of a line that could not be written."""
        if not isinstance(sys.exception(), BrokenPipeError):
            super().handleError(record)
            return
        self.stream = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123 - until the process ends
        os.dup2(self.stream.fileno(), sys.stdout.fileno())
        signal.raise_signal(signal.SIGTERM)


def configure_logging(level: str, redactor: Redactor | None = None) -> None:
    """JSON lines, or text for a terminal, without what `redactor` hides.

    `level` is for this package; the client libraries speak up only when something is wrong. Raises `ConfigError` for one that is
    none.
    """
    own_level = {**LEVELS, **PYTHONS}.get(level.strip().upper())
    if own_level is None:
        raise ConfigError({"log.level": [f"is {level!r}, it must be one of {', '.join(LEVELS)}"]})

    def scrub(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        return event if redactor is None else dict(redactor.scrub_all(event))

    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    handler = LogHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                scrub,
                structlog.dev.ConsoleRenderer()
                if sys.stdout.isatty()
                else structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger(OWN).setLevel(own_level)


@dataclass(frozen=True, slots=True)
class Level:
    """A logger's level; `last_modified` (epoch milliseconds) when it was set while running."""

    level: str
    last_modified: int | None


@dataclass(slots=True)
class Loggers:
    """The loggers of this process by name."""

    _modified: dict[str, int] = field(default_factory=dict)

    def all(self) -> dict[str, Level]:
        """Those that have a level of their own."""
        return {name: self._level(name) for name, logger in _loggers().items() if logger.level}

    def get(self, name: str) -> Level | None:
        """The level in force for a logger, its own or inherited; None when nobody has that name."""
        return self._level(name) if name in _loggers() else None

    def set(self, namespace: str, level: str) -> list[str]:
        """Set the level of a logger and of all below it; the names of those it was new to."""
        changed = [
            name
            for name, logger in _loggers().items()
            if (namespace in {ROOT, name} or name.startswith(f"{namespace}."))
            and logger.getEffectiveLevel() != LEVELS[level]
        ]
        for name in changed:
            _loggers()[name].setLevel(LEVELS[level])
            self._modified[name] = int(time.time() * 1000)
        return sorted(changed)

    def _level(self, name: str) -> Level:
        number = _loggers()[name].getEffectiveLevel()
        return Level(NAMES.get(number, logging.getLevelName(number)), self._modified.get(name))


def _loggers() -> dict[str, logging.Logger]:
    """Every logger that has been asked for, and one for each module of this package, which asks only when it has to say something."""
    modules = [name for name in sys.modules if name.partition(".")[0] == OWN]
    named = [
        name for name, each in logging.root.manager.loggerDict.items() if isinstance(each, logging.Logger)
    ]
    return {ROOT: logging.root, **{name: logging.getLogger(name) for name in sorted({*named, *modules})}}
