"""`./demo token [USER]`: an access token of a stack that runs with --secure, and curl made ready for it."""

import argparse
import sys

from demo.errors import CommandError
from demo.running_stack import running_stack
from demo.security import USERS


class NoTokensError(CommandError):
    """The stack asks nobody for a token."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `token`."""
    parser.add_argument(
        "user", nargs="?", default="staff", help=f"{', '.join(USERS)} (default: staff), or any other name"
    )


def run(args: argparse.Namespace) -> int:
    """Print the token. Raises NotRunningError, NoTokensError."""
    security = running_stack().security
    if security is None:
        raise NoTokensError("the stack runs without --secure: nobody is asked for a token")
    folder = security.curl_home(args.user)
    print(security.token(args.user))
    if sys.stdout.isatty():
        print(f"\nGood for an hour. For curl: export CURL_HOME={folder}", file=sys.stderr)
    return 0
