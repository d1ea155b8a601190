"""The console command `sink-connector`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import uvloop

from sink_connector.bootstrap import read_connector_file, run_connectors, run_worker
from sink_connector.commands import dead_letters, validate
from sink_connector.config.worker import read_worker
from sink_connector.deployment import deploy
from sink_connector.errors import ConfigError, SinkError
from sink_connector.logs import configure_logging
from sink_connector.worker.blueprint import make_blueprint
from sink_connector.writer.session import prepare_database

MISUSED = 2


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; ends with 0, 1 when something failed, 2 when it was asked for wrongly."""
    parser = argparse.ArgumentParser(prog="sink-connector", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run connectors out of JSON files until stopped")
    run.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    init = commands.add_parser("init", help="create the schema `sink` in a target database")
    init.add_argument("--url", required=True, help="DSN of the database, as a role that may create a schema")
    member = commands.add_parser("worker", help="be one of a group of workers, told over REST what to run")
    member.add_argument(
        "properties", nargs="?", type=Path, metavar="FILE.properties", help="as for a Connect worker"
    )
    deployment = commands.add_parser(
        "deploy", help="give the connectors of JSON files to a worker, over REST"
    )
    deployment.add_argument("files", nargs="+", type=Path, metavar="FILE.json")
    deployment.add_argument("--url", default="http://127.0.0.1:8083", help="of any worker of the group")
    deployment.add_argument("--wait", type=float, default=60.0, metavar="SECONDS", help="until all tasks run")
    for parts, function in ((run, _run), (init, _init), (member, _worker), (deployment, _deploy)):
        parts.set_defaults(run=function)
    validate.add(commands)
    dead_letters.add(commands)
    options = parser.parse_args(arguments)
    try:
        sys.exit(options.run(options))
    except ConfigError as error:
        for key, problems in error.problems.items():
            for problem in problems:
                print(f"{key} {problem}", file=sys.stderr)  # noqa: T201 - speaks to a person
        sys.exit(MISUSED)
    except SinkError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _run(options: argparse.Namespace) -> int:
    config = read_worker()
    configure_logging(config.log_level)
    connectors = [make_blueprint(read_connector_file(path), config) for path in options.files]
    return uvloop.run(run_connectors(config, connectors))


def _worker(options: argparse.Namespace) -> int:
    config = read_worker(file=options.properties)
    configure_logging(config.log_level)
    return uvloop.run(run_worker(config))


def _deploy(options: argparse.Namespace) -> int:
    deploy([read_connector_file(path) for path in options.files], url=options.url, wait_s=options.wait)
    return 0


def _init(options: argparse.Namespace) -> int:
    async def create() -> None:
        connection = await asyncpg.connect(options.url)
        try:
            await prepare_database(connection)
        finally:
            await connection.close()

    asyncio.run(create())
    return 0


if __name__ == "__main__":
    main()
