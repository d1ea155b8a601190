"""`./demo tour`: ten steps through the running stack."""

import argparse
import re
import sys
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.syntax import Syntax
from rich.text import Text

from demo.errors import CommandError, UsageError
from demo.running_stack import running_stack
from demo.tour.shell import TourShell
from demo.tour.steps import Step, steps
from devservers.private_files import write_private

_WIDTH = 110


class StepFailedError(CommandError):
    """A step did not end as it should; the stack is as before it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `tour`."""
    parser.add_argument("--yes", action="store_true", help="run every step without asking")
    parser.add_argument(
        "--check", action="store_true", help="as --yes, and compare what each step says (for CI)"
    )
    parser.add_argument(
        "--from", dest="first", type=int, metavar="STEP", help="begin there (default: where it was left)"
    )


def run(args: argparse.Namespace) -> int:
    """Run the steps; 0 when the last one is done, or the visitor leaves.

    Raises:
        NotRunningError, UsageError, StepFailedError: no stack, no such step, a step that failed.
    """
    stack = running_stack()
    tour = _Tour(
        TourShell(stack, stack.home.root / "tour"),
        steps(),
        asks=not (args.yes or args.check),
        checks=args.check,
    )
    return tour.run(args.first)


class _Tour:
    def __init__(self, shell: TourShell, all_steps: Sequence[Step], *, asks: bool, checks: bool) -> None:
        self._shell, self._steps, self._asks, self._checks = shell, all_steps, asks, checks
        self._console = Console(width=_WIDTH, highlight=False)
        self._bookmark = shell.folder / "next"

    def run(self, first: int | None) -> int:
        self._shell.open()
        number = first or self._left_at()
        if not 1 <= number <= len(self._steps):
            raise UsageError(f"the tour has {len(self._steps)} steps, none is number {number}")
        if number == 1:
            self._shell.forget()
        for place, step in enumerate(self._steps[number - 1 :], start=number):
            write_private(self._bookmark, str(place))
            self._tell(place, step)
            if self._asks and not _goes_on():
                self._console.print(f"`./demo tour` goes on with step {place}.")
                return 0
            self._do(step)
        self._bookmark.unlink()
        self._console.print(
            "\nThat was the tour. `./demo load`, `./demo audit`, the page on port 8000: the stack is yours.\n"
            "What you know now answers the ten questions of docs/guide/questions.md."
        )
        return 0

    def _left_at(self) -> int:
        try:
            return int(self._bookmark.read_text())
        except (OSError, ValueError):
            return 1

    def _tell(self, place: int, step: Step) -> None:
        say = self._console.print
        say(Text(f"\n{place} of {len(self._steps)}  {step.title}", style="bold"))
        say(Padding(Text(step.why), (0, 0, 1, 0)))
        say(
            Syntax(
                self._shell.here(step.run),
                "bash",
                theme="ansi_dark",
                background_color="default",
                word_wrap=True,
            )
        )

    def _do(self, step: Step) -> None:
        self._console.print(Text("─" * _WIDTH, style="dim"))
        done = False
        try:
            code, said = self._shell.run(step.run, self._show)
            if code != 0:
                raise StepFailedError(
                    f"“{step.title}” ended with exit code {code}; its last commands were undone"
                )
            done = True
        finally:
            if not done and step.undo:
                self._shell.run(step.undo, self._show)
        missing = [each for each in step.expect if not re.search(each, said)] if self._checks else []
        if missing:
            raise StepFailedError(f"“{step.title}” did not say {missing[0]!r}")
        self._console.print(Text("─" * _WIDTH, style="dim"))
        self._console.print(Text(f"Notice: {step.notice}", style="italic"))

    def _show(self, line: str) -> None:
        self._console.out(line, end="")


def _goes_on() -> bool:
    """Whether the visitor pressed Enter; anything that begins with q, or the end of the input, leaves."""
    print("\nEnter runs it, q leaves: ", end="", flush=True)
    answer = sys.stdin.readline()
    return bool(answer) and not answer.strip().lower().startswith("q")
