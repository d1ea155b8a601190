"""`./demo rebuild`: a rebuild of the read model of the stack that runs."""

import argparse

from auditor import Target
from demo.compose.stack import ComposeStack
from demo.running_stack import running_stack
from rebuild import cli
from rebuild.sequence import Site


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `rebuild`."""
    parser.add_argument("--compose", action="store_true", help="of the stack in containers")


def run(args: argparse.Namespace) -> int:
    """The rebuild's exit code. Raises NotRunningError."""
    return cli.run(_in_containers() if args.compose else _here())


def _here() -> Site:
    stack = running_stack()
    security = stack.security
    return Site(
        owner_dsn=stack.read.owner_dsn,
        sink_url=stack.sink_url,
        sink_login=security.sink_login if security else None,
        cafile=str(security.authority.certificate) if security else None,
        target=stack.audited,
    )


def _in_containers() -> Site:
    """Nothing of the write databases is needed: a copy is compared with the topics."""
    stack = ComposeStack.running()
    target = Target(write_databases={}, read_dsn=stack.read_dsn, bootstrap=stack.bootstrap)
    return Site(owner_dsn=stack.owner_dsn, sink_url=stack.sink_url, target=target)
