"""The console command `sink-connector`."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper

FAILED, MISUSED, PORT_TAKEN, INTERRUPTED, UNREAD = 1, 2, 3, 130, 141

try:
    from sink_connector.cli.commands import make_parser
    from sink_connector.errors import ConfigError, PortTakenError, SinkError
except KeyboardInterrupt:
    sys.exit(INTERRUPTED)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; ends with 0, 1 when something failed, 2 when it was asked for wrongly, 3 when its port is taken.

    Whoever has read enough (`| head`) ends it with 141, as the shell has it of a program that writes to a closed pipe.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a letter that a terminal has not is no failure
    try:
        try:
            code = _run(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where it can still be told that nobody reads it
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what Python writes at its end
        code = UNREAD
    except OSError as error:
        _say(f"cannot go on: {error}")
        code = FAILED
    sys.exit(code)


def _run(arguments: Sequence[str] | None) -> int:
    """The exit code; argparse ends the process by itself. A command is loaded when it is asked for: `deploy` needs a tenth of `worker`."""
    options = make_parser().parse_args(arguments)
    try:
        code: int = import_module(f"sink_connector.cli.{options.module}").run(options)
    except ConfigError as error:
        for key, problems in error.problems.items():
            for problem in problems:
                _say(f"{key} {problem}")
        return MISUSED
    except SinkError as error:
        _say(str(error))
        return PORT_TAKEN if isinstance(error, PortTakenError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def _say(text: str) -> None:
    """One line, whatever is in it."""
    print(f"sink-connector: {' '.join(text.splitlines())}", file=sys.stderr)  # noqa: T201 - speaks to a person


if __name__ == "__main__":
    main()
