"""`./demo anomaly`: a wrong design beside the right one, on the Kafka and the PostgreSQL of the stack that runs."""

import argparse
import asyncio
import sys

import asyncpg
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.markup import escape

from auditor.history.picture import picture
from demo.anomalies.runs import run_design
from demo.anomalies.scenarios import ANOMALIES, BY_NAME, Anomaly
from demo.errors import UsageError
from demo.home import Home
from demo.running_stack import running_record, running_stack
from demo.stack import Stack
from devservers.private_files import private_directory

AS_TOLD, OTHERWISE, NOT_RUN = 0, 1, 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `anomaly`."""
    parser.add_argument("name", nargs="?", help="which; `all` of them; without one they are listed")


def run(args: argparse.Namespace) -> int:
    """0: the wrong design was caught and the right one is clean; 1: not so; 2: Kafka or PostgreSQL did not do its part.

    Raises:
        NotRunningError, UsageError: no stack; no such anomaly.
    """
    console = Console(highlight=False, soft_wrap=True)
    if args.name is None:
        for anomaly in ANOMALIES:
            console.print(f"{anomaly.name:<18}{anomaly.wrong}", markup=False)
        return AS_TOLD
    if args.name != "all" and args.name not in BY_NAME:
        raise UsageError(f"no anomaly is called {args.name!r}; there are {', '.join(BY_NAME)}, and all")
    if running_record(Home.from_environment()).secure:
        raise UsageError("anomalies have no log-ins: run them on a stack that is up without --secure")
    chosen = ANOMALIES if args.name == "all" else (BY_NAME[args.name],)
    try:
        return asyncio.run(_shown(chosen, running_stack(), console))
    except (OSError, KafkaError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        print(f"demo anomaly: {str(error) or type(error).__name__}", file=sys.stderr)
        return NOT_RUN


async def _shown(anomalies: tuple[Anomaly, ...], stack: Stack, console: Console) -> int:
    is_as_told = True
    for anomaly in anomalies:
        console.print(f"[bold]{anomaly.name}[/]  What happens: {anomaly.mishap}.")
        for is_wrong in (True, False):
            is_as_told &= await _show_design(anomaly, stack, console, is_wrong=is_wrong)
        console.print()
    return AS_TOLD if is_as_told else OTHERWISE


async def _show_design(anomaly: Anomaly, stack: Stack, console: Console, *, is_wrong: bool) -> bool:
    """Show what happens as it happens, then what the checks find; whether that is what must be found."""
    console.print(f"[red]wrong[/]  {anomaly.wrong}" if is_wrong else f"[green]right[/]  {anomaly.right}")
    found = await run_design(
        anomaly,
        stack,
        is_wrong=is_wrong,
        noted=lambda line: console.print(line, markup=False),
        told=lambda line: console.print(f"           [yellow]{line}[/]"),
    )
    for violation in found.violations:
        file = private_directory(stack.home.root / "anomalies") / f"{anomaly.name}-{violation.check}.svg"
        file.write_text(picture(violation, found.operations))
        console.print(f"       [red]caught[/]  {escape(str(violation))}\n               as a picture: {file}")
    if not found.violations:
        console.print("       [green]clean[/]   every check of the history holds")
    checks = {each.check for each in found.violations}
    return checks == (anomaly.found if is_wrong else frozenset())
