"""`./demo load`: the load generator on the stack that runs."""

import argparse

from demo.compose.stack import ComposeStack
from demo.running_stack import running_stack
from loadgen import cli
from loadgen.load import Destination


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `load`."""
    cli.add_arguments(parser)
    parser.add_argument("--compose", action="store_true", help="send them to the stack in containers")


def run(args: argparse.Namespace) -> int:
    """The load generator's exit code. Raises NotRunningError."""
    return cli.run(args, _in_containers() if args.compose else _here())


def _here() -> Destination:
    stack = running_stack()
    if (security := stack.security) is None:
        return Destination(instances=stack.orders, read_dsn=stack.read.catalog_dsn)
    return Destination(
        instances=stack.orders,
        read_dsn=stack.read.catalog_dsn,
        headers=security.staff_headers,
        cafile=str(security.authority.certificate),
    )


def _in_containers() -> Destination:
    stack = ComposeStack.running()
    return Destination(instances=stack.instances, read_dsn=stack.read_dsn)
