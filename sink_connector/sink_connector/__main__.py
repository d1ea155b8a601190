"""The console command `sink-connector`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from sink_connector.errors import ConfigError, SinkError

MISUSED = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; ends with 0, 1 when something failed, 2 when it was asked for wrongly.

    A command's module is loaded when it is asked for: `deploy` needs a tenth of what `worker` does.
    """
    options = _parser().parse_args(arguments)
    command = import_module(f"sink_connector.cli.{options.command.replace('-', '_')}")
    try:
        sys.exit(command.run(options))
    except ConfigError as error:
        for key, problems in error.problems.items():
            for problem in problems:
                print(f"{key} {problem}", file=sys.stderr)  # noqa: T201 - speaks to a person
        sys.exit(MISUSED)
    except SinkError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="sink-connector", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run connectors out of JSON files until stopped")
    run.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    init = commands.add_parser("init", help="create the schema `sink` in a target database")
    init.add_argument(
        "--url",
        default=os.environ.get("SINK_INIT_URL"),
        help="DSN of the database, as a role that may create a schema; $SINK_INIT_URL, where nobody sees it",
    )
    member = commands.add_parser("worker", help="be one of a group of workers, told over REST what to run")
    member.add_argument(
        "properties", nargs="?", type=Path, metavar="FILE.properties", help="as for a Connect worker"
    )
    deploy = commands.add_parser("deploy", help="give the connectors of JSON files to a worker, over REST")
    deploy.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    deploy.add_argument("--url", default="http://127.0.0.1:8083", help="of any worker of the group")
    deploy.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="until all tasks run")
    validate = commands.add_parser("validate", help="check connector files; unknown keys are warnings")
    validate.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    letters = commands.add_parser(
        "dead-letters", help="list, show, replay or drop what a connector has parked"
    )
    letters.add_argument("action", choices=("list", "show", "replay", "drop"))
    letters.add_argument("file", type=Path, metavar="FILE.json", help="the connector")
    letters.add_argument(
        "ids", nargs="*", type=int, metavar="ID", help="letters; none for list and replay: all"
    )
    letters.add_argument("--all", action="store_true", help="with show and drop: all letters")
    return parser


if __name__ == "__main__":
    main()
