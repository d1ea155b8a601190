"""How a command ends when nobody reads what it says any more (`| head`), or Ctrl-C ends it: without a traceback."""

import contextlib
import os
import sys
from collections.abc import Callable

UNSAID, INTERRUPTED, UNREAD = 2, 130, 141
"""1 would be a verdict. The last two as the shell has it of a program that SIGINT or SIGPIPE has ended."""


def ended_quietly(command: Callable[[], int]) -> int:
    """The command's exit code; `INTERRUPTED` after Ctrl-C, `UNREAD` after a closed pipe, `UNSAID` after a full disk."""
    try:
        try:
            return command()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # here, where it can still be told that nobody reads it
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _say_no_more()
        return UNREAD
    except OSError as error:  # the disk that its output is redirected to is full, say
        with contextlib.suppress(OSError):  # where what goes wrong is told may be the same disk
            print(f"cannot go on: {error}", file=sys.stderr)
        _say_no_more()
        return UNSAID


def _say_no_more() -> None:
    """Nor may Python, at its end."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(nowhere, stream.fileno())
