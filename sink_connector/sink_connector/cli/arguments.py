"""The arguments of each command."""

import argparse
import os
from pathlib import Path


def quickstart(parser: argparse.ArgumentParser) -> None:
    """Of `quickstart`."""
    parser.add_argument("topic", metavar="TOPIC", help="with at least one record in it")
    parser.add_argument(
        "--table", metavar="[SCHEMA.]TABLE", help="where its records are to go (a table called as the topic)"
    )
    parser.add_argument(
        "--target",
        default="TARGET",
        metavar="VARIABLE",
        help="the environment variable that holds the database's URL; the connector refers to it, so that no password "
        "stands in its file (%(default)s)",
    )
    parser.add_argument(
        "--registry", default="", metavar="URL", help="a schema registry, for Avro, Protobuf and JSON Schema"
    )
    parser.add_argument(
        "--records",
        type=int,
        default=100,
        metavar="N",
        help="how many of the topic's last records to look at (%(default)s)",
    )
    parser.add_argument("--name", metavar="NAME", help="of the connector (the topic's)")


def try_(parser: argparse.ArgumentParser) -> None:
    """Of `try`."""
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


def explain(parser: argparse.ArgumentParser) -> None:
    """Of `explain`."""
    _connector(parser)
    parser.add_argument("topic", metavar="TOPIC")
    parser.add_argument("partition", type=int, metavar="PARTITION")
    parser.add_argument("offset", type=int, metavar="OFFSET")
    _as_json(parser)


def worker(parser: argparse.ArgumentParser) -> None:
    """Of `worker`."""
    parser.add_argument(
        "properties", nargs="?", type=Path, metavar="FILE.properties", help="as for a Connect worker"
    )


def deploy(parser: argparse.ArgumentParser) -> None:
    """Of `deploy`."""
    files(parser)
    parser.add_argument(
        "--url", default="http://127.0.0.1:8083", help="any worker of the group (%(default)s)"
    )
    parser.add_argument(
        "--wait",
        type=float,
        default=60.0,
        metavar="SECONDS",
        help="how long to wait for the tasks to run (%(default)s)",
    )


def init(parser: argparse.ArgumentParser) -> None:
    """Of `init`."""
    parser.add_argument(
        "--url",
        default=os.environ.get("SINK_INIT_URL"),
        help="the database, as a role that may create a schema; $SINK_INIT_URL instead keeps a password out of the "
        "list of processes",
    )


def dead_letters(parser: argparse.ArgumentParser) -> None:
    """Of `dead-letters`."""
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


def completion(parser: argparse.ArgumentParser) -> None:
    """Of `completion`."""
    parser.add_argument("shell", choices=("bash", "zsh", "tcsh"))


def files(parser: argparse.ArgumentParser) -> None:
    """The files of connectors, one at least."""
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE.json")


def _connector(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE.json", help="the connector")


def _as_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON object instead of text")
