"""`./demo anomaly`: a wrong design beside the right one, on the Kafka and the PostgreSQL of the stack that runs."""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from rich.console import Console
from rich.markup import escape

from auditor.history.operation import Action, Operation, Outcome
from auditor.history.picture import picture
from auditor.history.violation import said
from demo.anomalies.scenarios import ANOMALIES, BY_NAME, Anomaly, Shop
from demo.errors import UsageError
from demo.home import Home
from demo.running_stack import running_record, running_stack
from demo.stack import Stack
from devservers.private_files import private_directory
from loadgen.recorder import Recorder

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
            design = _Design(anomaly, console, is_wrong=is_wrong)
            async with _own_places(stack) as (dsn, topic):
                is_as_told &= await design.run(
                    dsn=dsn, bootstrap=stack.bootstrap, topic=topic, folder=stack.home.root
                )
        console.print()
    return AS_TOLD if is_as_told else OTHERWISE


class _Design:
    """One of the two, and how it is told at the terminal."""

    def __init__(self, anomaly: Anomaly, console: Console, *, is_wrong: bool) -> None:
        self._anomaly = anomaly
        self._console = console
        self._is_wrong = is_wrong

    async def run(self, *, dsn: str, bootstrap: str, topic: str, folder: Path) -> bool:
        """Show what happens as it happens, then what the checks find; whether that is what must be found."""
        words = (
            f"[red]wrong[/]  {self._anomaly.wrong}"
            if self._is_wrong
            else f"[green]right[/]  {self._anomaly.right}"
        )
        self._console.print(words)
        notes = TellingRecorder(self._told)
        async with Shop.opened(
            dsn=dsn, bootstrap=bootstrap, topic=topic, notes=notes, told=self._besides
        ) as shop:
            await self._anomaly.run(shop, self._is_wrong)
        violations = shop.violations
        for violation in violations:
            file = private_directory(folder / "anomalies") / f"{self._anomaly.name}-{violation.check}.svg"
            file.write_text(picture(violation, notes.operations))
            self._console.print(
                f"       [red]caught[/]  {escape(str(violation))}\n               as a picture: {file}"
            )
        if not violations:
            self._console.print("       [green]clean[/]   every check of the history holds")
        return {each.check for each in violations} == (self._anomaly.found if self._is_wrong else frozenset())

    def _told(self, operation: Operation) -> None:
        if operation.action in (Action.SNAPSHOT, Action.FINAL) and not operation.aggregate:
            return
        at = f"{1000 * (operation.completed or operation.invoked):6.0f} ms"
        self._console.print(
            f"{at}  {operation.process:<9}{operation.aggregate:<15}{said(operation)}", markup=False
        )

    def _besides(self, line: str) -> None:
        self._console.print(f"           [yellow]{line}[/]")


class TellingRecorder(Recorder):
    """Tells of every operation as it ends."""

    def __init__(self, told: Callable[[Operation], None]) -> None:
        """The history begins now."""
        super().__init__()
        self._told = told

    def record(
        self, process: str, action: Action, *, invoked: float, outcome: Outcome, **known: Any
    ) -> Operation:
        """As `Recorder` does."""
        operation = super().record(process, action, invoked=invoked, outcome=outcome, **known)
        self._told(operation)
        return operation


@asynccontextmanager
async def _own_places(stack: Stack) -> AsyncIterator[tuple[str, str]]:
    """An empty database and a topic of one partition, beside those of the stack; both are gone afterwards."""
    name = f"anomaly_{token_hex(4)}"
    server = await asyncpg.connect(stack.postgres.admin_dsn, timeout=10)
    kafka = AIOKafkaAdminClient(bootstrap_servers=stack.bootstrap)
    try:
        await kafka.start()
        await server.execute(f"CREATE DATABASE {name}")
        await kafka.create_topics([NewTopic(name, 1, stack.brokers)])
        try:
            yield f"{stack.postgres.admin_dsn.rpartition('/')[0]}/{name}", name
        finally:
            await kafka.delete_topics([name])
            await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await kafka.close()
        await server.close(timeout=10)
