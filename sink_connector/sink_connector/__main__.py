"""The console command `sink-connector`."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

from sink_connector.errors import ConfigError, PortTakenError, SinkError
from sink_connector.version import VERSION

FAILED, MISUSED, PORT_TAKEN = 1, 2, 3

DESCRIPTION = (
    "Kafka topics into PostgreSQL tables, exactly once; Kafka Connect's configuration, formats and REST API."
)
EPILOGUE = """\
examples:
  sink-connector validate people.json           what is wrong with a connector's file
  sink-connector run people.json                run it, until SIGTERM or Ctrl-C
  sink-connector worker worker.properties       be one of a group, told over REST what to run
  sink-connector deploy people.json --url http://127.0.0.1:8083
  sink-connector dead-letters list people.json  what could not be delivered

environment (every setting of a worker, as SINK_ and its name in capitals):
  SINK_BOOTSTRAP_SERVERS   127.0.0.1:9092   Kafka
  SINK_REST_HOST, _PORT    127.0.0.1, 8083  where /connectors, /health and /metrics answer
  SINK_LOG_LEVEL           INFO
  SINK_CONFIG_PROVIDERS                     which of env,file,directory a connector given over REST may refer to

exit codes: 0 stopped or done, 1 something failed, 2 asked for wrongly, 3 the REST port is taken
"""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; ends with 0, 1 when something failed, 2 when it was asked for wrongly, 3 when its port is taken.

    A command's module is loaded when it is asked for: `deploy` needs a tenth of what `worker` does.
    """
    options = _parser().parse_args(arguments)
    command = import_module(f"sink_connector.cli.{options.command.replace('-', '_')}")
    try:
        sys.exit(command.run(options))
    except ConfigError as error:
        for key, problems in error.problems.items():
            for problem in problems:
                _say(f"{key} {problem}")
        sys.exit(MISUSED)
    except SinkError as error:
        _say(str(error))
        sys.exit(PORT_TAKEN if isinstance(error, PortTakenError) else FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(text: str) -> None:
    print(f"sink-connector: {text}", file=sys.stderr)  # noqa: T201 - speaks to a person


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="sink-connector",
        description=DESCRIPTION,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sink-connector {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for each in COMMANDS:
        command = commands.add_parser(
            each.name,
            help=each.does,
            description=f"{each.does[0].upper()}{each.does[1:]}.",
            epilog=f"example: sink-connector {each.example}",
        )
        each.add_arguments(command)
    return parser


def _files(command: argparse.ArgumentParser) -> None:
    command.add_argument("files", nargs="+", type=Path, metavar="FILE.json")


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--url",
        default=os.environ.get("SINK_INIT_URL"),
        help="the database, as a role that may create a schema; $SINK_INIT_URL instead keeps a password out of the "
        "list of processes",
    )


def _worker(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "properties", nargs="?", type=Path, metavar="FILE.properties", help="as for a Connect worker"
    )


def _deploy(command: argparse.ArgumentParser) -> None:
    _files(command)
    command.add_argument(
        "--url", default="http://127.0.0.1:8083", help="any worker of the group (%(default)s)"
    )
    command.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for the tasks to run (60)",
    )


def _dead_letters(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=("list", "show", "replay", "drop"))
    command.add_argument("file", type=Path, metavar="FILE.json", help="the connector")
    command.add_argument(
        "ids",
        nargs="*",
        type=int,
        metavar="ID",
        help="dead letters by id; list and replay take all when none is given",
    )
    command.add_argument("--all", action="store_true", help="with show and drop: all of them")


class _Command(NamedTuple):
    """A command as `--help` shows it; its module in `cli` has its name."""

    name: str
    does: str
    example: str
    add_arguments: Callable[[argparse.ArgumentParser], None]


COMMANDS = (
    _Command("run", "run connectors out of JSON files until stopped", "run people.json", _files),
    _Command(
        "init",
        "create the schema `sink` in a target database",
        "init --url postgresql://owner@db/shop",
        _init,
    ),
    _Command(
        "worker",
        "be one of a group of workers, told over REST what to run",
        "worker worker.properties",
        _worker,
    ),
    _Command(
        "deploy", "give the connectors of JSON files to a worker, over REST", "deploy people.json", _deploy
    ),
    _Command("validate", "check connector files; unknown keys are warnings", "validate people.json", _files),
    _Command(
        "dead-letters",
        "list, show, replay or drop the records that a connector could not deliver",
        "dead-letters replay people.json 17 18",
        _dead_letters,
    ),
)


if __name__ == "__main__":
    main()
