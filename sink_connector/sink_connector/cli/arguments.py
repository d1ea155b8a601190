"""The arguments of the console command, without loading what its parts need."""

import argparse
import os
from pathlib import Path
from typing import Protocol

from sink_connector.version import VERSION

DESCRIPTION = (
    "Kafka topics into PostgreSQL tables, exactly once; Kafka Connect's configuration, formats and REST API."
)
EPILOGUE = """\
examples:
  sink-connector validate people.json           what is wrong with a connector's file
  sink-connector try people.json --records 20   what it would do with 20 records, without writing anything
  sink-connector explain people.json people 0 7 what becomes of one record, step by step
  sink-connector run people.json                run it, until SIGTERM or Ctrl-C
  sink-connector worker worker.properties       be one of a group, told over REST what to run
  sink-connector deploy people.json --url http://127.0.0.1:8083
  sink-connector dead-letters list people.json  what could not be delivered

environment (every setting of a worker, as SINK_ and its name in capitals):
  SINK_BOOTSTRAP_SERVERS   127.0.0.1:9092   Kafka
  SINK_REST_HOST, _PORT    127.0.0.1, 8083  where /connectors, /health and /metrics answer
  SINK_LOG_LEVEL           INFO
  SINK_CONFIG_PROVIDERS                     which of env,file,directory a connector given over REST may refer to

exit codes: 0 stopped or done, 1 something failed (try, explain: or a record is bad), 2 asked for wrongly,
            3 the REST port is taken
"""
TRY = """\
Reads records as the connector would and writes them to the real tables in one transaction, which is rolled back:
shows the DDL, the rows and the bad records, those that PostgreSQL refuses among them. It joins no consumer group, stores
no offset, sends no dead letter and makes no topic.

A rollback does not give back the numbers of sequences: those that went on are named. The rows and tables it touches
are locked until it ends; it waits for a lock of others two seconds at most.
"""
TRY_EXAMPLES = """\
examples:
  sink-connector try people.json                            the first ten records
  sink-connector try people.json --records 100 --from latest
  sink-connector try people.json --from 0:120,1:44          of these partitions, from these offsets on
  sink-connector try people.json --from people:0:120        with several topics
  sink-connector try people.json --json | jq '.records[] | select(.result == "bad")'

exit codes: 0 nothing is bad, 1 a record is bad, the task would fail, or the servers cannot be used, 2 asked for wrongly
"""
EXPLAIN = """\
Shows one record's way: its bytes, what the converters make of them, what each transform changes, the row and the
statements it leads to, or where and why it stops, and whether the connector is past it already. Writes nothing: the
statements are run in a transaction that is rolled back.
"""
EXPLAIN_EXAMPLES = """\
examples:
  sink-connector explain people.json people 0 7
  sink-connector explain people.json people 0 7 --json | jq .outcome

exit codes: 0 it would be written, skipped or dropped, 1 it is bad, it is not there, or the servers cannot be used,
            2 asked for wrongly
"""


class _AddCommand(Protocol):
    def __call__(
        self, name: str, does: str, example: str, *, text: str = "", module: str = ""
    ) -> argparse.ArgumentParser: ...


def make_parser() -> argparse.ArgumentParser:
    """What was asked for has `module`, the part of `sink_connector.cli` that does it."""
    parser = argparse.ArgumentParser(
        prog="sink-connector",
        description=DESCRIPTION,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sink-connector {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(
        name: str, does: str, example: str, *, text: str = "", module: str = ""
    ) -> argparse.ArgumentParser:
        found = commands.add_parser(
            name,
            help=does,
            description=text or f"{does[0].upper()}{does[1:]}.",
            epilog=example,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        found.set_defaults(module=module or name.replace("-", "_"))
        return found

    for command in (_run, _try, _explain, _validate, _worker, _deploy, _init, _dead_letters):
        command(add)
    return parser


def _run(add: _AddCommand) -> None:
    parser = add(
        "run", "run connectors out of JSON files until stopped", "example: sink-connector run people.json"
    )
    _files(parser)


def _try(add: _AddCommand) -> None:
    parser = add(
        "try",
        "show what a connector would do with some records, without writing anything",
        TRY_EXAMPLES,
        text=TRY,
        module="dry_run",
    )
    _connector(parser)
    parser.add_argument(
        "--records",
        type=int,
        default=10,
        metavar="N",
        help="how many at most, spread over the partitions (%(default)s)",
    )
    parser.add_argument(
        "--from",
        dest="begin",
        default="earliest",
        metavar="PLACE",
        help="earliest: the first there are; latest: the last ones; or [topic:]partition:offset,… (%(default)s)",
    )
    _as_json(parser)


def _explain(add: _AddCommand) -> None:
    parser = add("explain", "show what becomes of one record, step by step", EXPLAIN_EXAMPLES, text=EXPLAIN)
    _connector(parser)
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("partition", type=int, metavar="PARTITION")
    parser.add_argument("offset", type=int, metavar="OFFSET")
    _as_json(parser)


def _validate(add: _AddCommand) -> None:
    parser = add(
        "validate",
        "check connector files; unknown keys are warnings",
        "example: sink-connector validate people.json",
    )
    _files(parser)


def _worker(add: _AddCommand) -> None:
    parser = add(
        "worker",
        "be one of a group of workers, told over REST what to run",
        "example: sink-connector worker worker.properties",
    )
    parser.add_argument(
        "properties", nargs="?", type=Path, metavar="FILE.properties", help="as for a Connect worker"
    )


def _deploy(add: _AddCommand) -> None:
    parser = add(
        "deploy",
        "give the connectors of JSON files to a worker, over REST",
        "example: sink-connector deploy people.json",
    )
    _files(parser)
    parser.add_argument(
        "--url", default="http://127.0.0.1:8083", help="any worker of the group (%(default)s)"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for the tasks to run (60)",
    )


def _init(add: _AddCommand) -> None:
    parser = add(
        "init",
        "create the schema `sink` in a target database",
        "example: sink-connector init --url postgresql://owner@db/shop",
    )
    parser.add_argument(
        "--url",
        default=os.environ.get("SINK_INIT_URL"),
        help="the database, as a role that may create a schema; $SINK_INIT_URL instead keeps a password out of the "
        "list of processes",
    )


def _dead_letters(add: _AddCommand) -> None:
    parser = add(
        "dead-letters",
        "list, show, replay or drop the records that a connector could not deliver",
        "example: sink-connector dead-letters replay people.json 17 18",
    )
    parser.add_argument("action", choices=("list", "show", "replay", "drop"))
    _connector(parser)
    parser.add_argument(
        "ids",
        nargs="*",
        type=int,
        metavar="ID",
        help="dead letters by id; list and replay take all when none is given",
    )
    parser.add_argument("--all", action="store_true", help="with show and drop: all of them")


def _files(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json")


def _connector(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.json", help="the connector")


def _as_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
