"""`./demo test [SUITE …] [pytest arguments]`: the folders of `tests/`, run by pytest."""

import os
import signal
import subprocess
import sys
from contextlib import ExitStack
from itertools import pairwise
from tempfile import TemporaryFile

from demo.errors import UsageError
from demo.home import REPOSITORY
from devservers.process import become

TESTS = REPOSITORY / "tests"
SUITES = ("unit", "contract", "integration", "e2e", "browser", "chaos", "compose")
"""The folders that hold tests, the quickest first; chaos comes late, for every audit after it reads its orders too."""
CONTAINERS = "compose"
"""The suite that brings up a second stack, on another engine: it runs when it is named."""
ALONE = "unit"
"""The suite that needs no server: its tests go to any core."""
SHARING = ("contract", "integration", "chaos/order", "chaos/sink")
"""What shares a Kafka and a PostgreSQL, suites and parts of one. Its tests wait for these more than they compute."""
OWN = (
    "e2e/own_stack", "chaos/test_hostile_records.py", "chaos/test_links_of_the_stack.py", "chaos/test_seeds.py", "browser/test_playground.py",
)  # fmt: skip
"""What starts stacks of its own, parts of suites, and as much of the rest as makes both take as long: it runs beside the tests of the
session's stack, which mostly wait as well."""
MAX_WORKERS = 6
"""As many as the servers of one session have connections and memory for."""
NOTHING_TO_RUN, INTERRUPTED = 5, 2


def main(words: list[str]) -> int:
    """Run pytest for the suites among `words`; when none is named, for all that need no containers.

    Suites that go together are one run of pytest; several runs go one after the other. The rest of `words` are pytest's
    arguments, for each of them.
    """
    if words[:1] in (["-h"], ["--help"]):
        print(
            "usage: demo test [SUITE …] [pytest arguments]\n\n"
            f"suites: {', '.join(SUITES)}; without one: all but {CONTAINERS}"
        )
        return 0
    values = {after for option, after in pairwise(words) if option.startswith("-")}
    if unknown := [word for word in words if _is_meant_as_suite(word) and word not in values]:
        raise UsageError(f"no suite is called {unknown[0]!r}; there are {', '.join(SUITES)}")
    chosen = [word for word in words if word in SUITES]
    rest = [word for word in words if word not in SUITES]
    os.chdir(REPOSITORY)
    if not chosen and _names_tests(rest):
        return become(sys.executable, "-m", "pytest", *rest)
    return _run_all(_runs(chosen or [suite for suite in SUITES if suite != CONTAINERS], rest))


def _runs(chosen: list[str], rest: list[str]) -> list[list[list[str]]]:
    """Pytest's arguments, `rest` among them: by what the suites start, which decides what runs at a time.

    Each run is one pytest, with workers, or some that run beside each other.
    """
    sharing = min((os.cpu_count() or 1) + 2, MAX_WORKERS)
    alone = [name for name in chosen if name == ALONE]
    together, own = ([name for name in part if name.partition("/")[0] in chosen] for part in (SHARING, OWN))
    stack = [name for name in SUITES if name in chosen and name not in (ALONE, *SHARING)]
    elsewhere = [f"--ignore={TESTS / name}" for name in (*together, *own) if "/" in name]

    def run(names: list[str], *how: str) -> list[list[str]]:
        return [[*(str(TESTS / name) for name in names), *how, *rest]] if names else []

    runs = (
        run(alone, "-n", "auto", "--dist", "worksteal"),
        run(together, "-n", str(sharing), "-p", "tests.support.shared_servers"),
        run(stack, *elsewhere) + run(own),
    )
    return [each for each in runs if each]


def _run_all(runs: list[list[list[str]]]) -> int:
    """Run pytest with each of the arguments; the exit code is the first that is not of a success."""
    stops_early = {"-x", "--exitfirst"} & {word for run in runs for arguments in run for word in arguments}
    codes: list[int] = []
    for run in runs:
        codes += _run(run)
        if INTERRUPTED in codes or (stops_early and {*codes} - {0, NOTHING_TO_RUN}):
            break
    failed = [code for code in codes if code not in (0, NOTHING_TO_RUN)]
    return failed[0] if failed else min(codes)


def _run(beside: list[list[str]]) -> list[int]:
    """Run pytest with each of the arguments at a time; what is said by all but the first is printed at the end.

    Pytest ends what it started when it is told to stop: by Ctrl-C, which reaches it as well, or SIGTERM.
    """
    with ExitStack() as files:
        outputs = [None, *(files.enter_context(TemporaryFile()) for _ in beside[1:])]
        processes = [
            subprocess.Popen([sys.executable, "-m", "pytest", *arguments], stdout=output, stderr=output)
            for arguments, output in zip(beside, outputs, strict=True)
        ]

        def stop(*_: object) -> None:
            for process in processes:
                process.terminate()

        before = {
            signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
            signal.SIGTERM: signal.signal(signal.SIGTERM, stop),
        }
        try:
            codes = [process.wait() for process in processes]
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        for output in filter(None, outputs):
            output.seek(0)
            print(output.read().decode(errors="replace"))
    return codes


def _is_meant_as_suite(word: str) -> bool:
    """Whether a word looks like a suite's name and is none: no option, no path."""
    return word.isalpha() and word.islower() and word not in SUITES and not (REPOSITORY / word).exists()


def _names_tests(words: list[str]) -> bool:
    """Whether the pytest arguments say themselves which files to run."""
    return any((REPOSITORY / word.partition("::")[0]).exists() for word in words if not word.startswith("-"))
