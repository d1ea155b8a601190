"""`./demo audit`: the auditor on the stack that runs."""

import argparse
from collections.abc import Sequence

from auditor import Command, Report, audit, cli
from demo.compose.auditing import audit_containers
from demo.compose.stack import ComposeStack
from demo.planted_records import planted_records
from demo.running_stack import running_stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `audit`."""
    cli.add_arguments(parser)
    parser.add_argument("--compose", action="store_true", help="audit the stack in containers")


def run(args: argparse.Namespace) -> int:
    """The auditor's exit code. Raises NotRunningError."""
    if args.compose:
        containers = ComposeStack.running()

        async def in_containers(commands: Sequence[Command], wait_s: float) -> Report:
            return await audit_containers(containers, commands=commands, wait_s=wait_s)

        return cli.run(args, in_containers)
    stack = running_stack()
    target, planted = stack.audited, planted_records(stack.home)
    if stack.observers:
        args.metrics = args.metrics or stack.observers.audit_file

    async def here(commands: Sequence[Command], wait_s: float) -> Report:
        return await audit(target, commands=commands, planted=planted, wait_s=wait_s)

    return cli.run(args, here)
