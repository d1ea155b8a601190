"""`sink-connector completion SHELL`: what a shell completes the command's words with."""

# ruff: noqa: T201 - it speaks to a shell

import argparse
from pathlib import Path
from typing import Any

from sink_connector.cli.commands import make_parser
from sink_connector.errors import SinkError


def run(options: argparse.Namespace) -> int:
    """0, with the script on standard output. Raises `SinkError` without the extra `sink-connector[completion]`."""
    try:
        import shtab  # noqa: PLC0415 - an extra that a worker does not need
    except ImportError as error:
        raise SinkError(f"needs the extra sink-connector[completion]: {error}") from error
    parser = make_parser()
    _complete_files(parser, shtab.FILE)
    print(shtab.complete(parser, shell=options.shell))
    return 0


def _complete_files(parser: argparse.ArgumentParser, files: Any) -> None:
    """Words that are paths are completed with the names of files; argparse knows no attribute for that, shtab reads one."""
    for action in parser._actions:  # noqa: SLF001 - as shtab itself goes through them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - likewise
            for command in action.choices.values():
                _complete_files(command, files)
        elif action.type is Path:
            action.complete = files  # type: ignore[attr-defined]
