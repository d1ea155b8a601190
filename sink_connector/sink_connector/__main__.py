"""The console command `sink-connector`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import uvloop

from sink_connector.bootstrap import configure_logging, read_connector_file, run_connectors
from sink_connector.config.worker import read_worker
from sink_connector.errors import ConfigError, SinkError
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
    options = parser.parse_args(arguments)
    try:
        sys.exit(_run(options.files) if options.command == "run" else _init(options.url))
    except ConfigError as error:
        for key, problems in error.problems.items():
            for problem in problems:
                print(f"{key} {problem}", file=sys.stderr)  # noqa: T201 - speaks to a person
        sys.exit(MISUSED)
    except SinkError as error:
        print(error, file=sys.stderr)  # noqa: T201
        sys.exit(1)


def _run(files: Sequence[Path]) -> int:
    config = read_worker()
    configure_logging(config.log_level)
    connectors = [make_blueprint(read_connector_file(path), config) for path in files]
    return uvloop.run(run_connectors(config, connectors))


def _init(url: str) -> int:
    async def create() -> None:
        connection = await asyncpg.connect(url)
        try:
            await prepare_database(connection)
        finally:
            await connection.close()

    asyncio.run(create())
    return 0


if __name__ == "__main__":
    main()
