"""`./demo trace ORDER_ID`: what one order caused, across instances, topics and connectors."""

import argparse
import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import timedelta
from itertools import groupby
from operator import attrgetter

from rich.console import Console
from rich.table import Table

from demo.cli.table import wide
from demo.compose.stack import ComposeStack
from demo.journey import Step, journey
from demo.running_stack import running_stack
from demo.stack import Stack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `trace`."""
    parser.add_argument("order_id", metavar="ORDER_ID", help="as `POST /orders` answers it")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--compose", action="store_true", help="on the stack in containers")


def run(args: argparse.Namespace) -> int:
    """Print the journey; 0 when the order is known.

    Raises:
        NotRunningError, UsageError, UnknownOrderError: no stack, no id, no such order.
    """
    stack = ComposeStack.running() if args.compose else running_stack()
    instances = stack.instances if isinstance(stack, ComposeStack) else stack.orders
    steps = asyncio.run(
        journey(
            args.order_id,
            bootstrap=stack.bootstrap,
            catalog_url=stack.catalog_url,
            instances=instances,
            security=None if isinstance(stack, ComposeStack) else stack.security,
        )
    )
    if args.json:
        print(json.dumps([asdict(step) for step in steps], default=str, indent=1))
    else:
        observers = stack.observers if isinstance(stack, Stack) else None
        _show(steps, wide(Console()), store=observers.trace_url if observers else None)
    return 0


def _show(steps: Sequence[Step], console: Console, *, store: str | None) -> None:
    """A line per record; a new trace begins with each command. With a trace store's address for traces, where to see it there."""
    for trace, found in groupby(steps, key=attrgetter("trace")):
        of_trace = list(found)
        began = of_trace[0].committed
        console.print(f"trace {trace}, {began:%Y-%m-%d %H:%M:%S} UTC", style="bold", highlight=False)
        if store is not None:
            console.print(store.replace("{trace_id}", trace), highlight=False)
        table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("committed", "instance", "record", "place in Kafka", "there after", "read by"):
            is_figure = heading in {"committed", "there after"}
            table.add_column(heading, justify="right" if is_figure else "left", no_wrap=heading != "read by")
        for step in of_trace:
            readers = [name if is_past else f"{name} (not yet)" for name, is_past in step.readers.items()]
            table.add_row(
                f"+{_ms(step.committed - began):.0f} ms",
                step.instance,
                step.kind,
                f"{step.topic}/{step.partition} @ {step.offset}",
                f"{_ms(step.stored - step.committed):.0f} ms",
                ", ".join(readers),
            )
        console.print(table)


def _ms(duration: timedelta) -> float:
    return duration.total_seconds() * 1000
