"""`./demo test [SUITE …] [pytest arguments]`: the folders of `tests/`, run by pytest."""

import os
import signal
import subprocess
import sys
from itertools import pairwise

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
    return _run_all(
        [[*run, *rest] for run in _runs(chosen or [suite for suite in SUITES if suite != CONTAINERS])]
    )


def _runs(chosen: list[str]) -> list[list[str]]:
    """Pytest's arguments for each run that the suites need: by what they start, which decides how many workers they have."""
    sharing = min((os.cpu_count() or 1) + 1, MAX_WORKERS)
    alone = [name for name in chosen if name == ALONE]
    together = [name for name in SHARING if name.partition("/")[0] in chosen]
    rest = [name for name in chosen if name not in (ALONE, *SHARING)]
    elsewhere = [f"--ignore={TESTS / name}" for name in together if "/" in name]
    runs = (
        (alone, ["-n", "auto", "--dist", "worksteal"]),
        (together, ["-n", str(sharing), "-p", "tests.support.shared_servers"]),
        (sorted(rest, key=SUITES.index), elsewhere),
    )
    return [[*(str(TESTS / name) for name in names), *how] for names, how in runs if names]


def _run_all(runs: list[list[str]]) -> int:
    """Run pytest with each of the arguments; the exit code is the first that is not of a success."""
    stops_early = {"-x", "--exitfirst"} & {word for run in runs for word in run}
    codes: list[int] = []
    for run in runs:
        codes.append(_run(run))
        if codes[-1] == INTERRUPTED or (stops_early and codes[-1] not in (0, NOTHING_TO_RUN)):
            break
    failed = [code for code in codes if code not in (0, NOTHING_TO_RUN)]
    return failed[0] if failed else min(codes)


def _run(arguments: list[str]) -> int:
    """Run pytest, which ends what it started when it is told to stop: by Ctrl-C, which reaches it as well, or SIGTERM."""
    process = subprocess.Popen([sys.executable, "-m", "pytest", *arguments])
    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, lambda *_: None),
        signal.SIGTERM: signal.signal(signal.SIGTERM, lambda *_: process.terminate()),
    }
    try:
        return process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _is_meant_as_suite(word: str) -> bool:
    """Whether a word looks like a suite's name and is none: no option, no path."""
    return word.isalpha() and word.islower() and word not in SUITES and not (REPOSITORY / word).exists()


def _names_tests(words: list[str]) -> bool:
    """Whether the pytest arguments say themselves which files to run."""
    return any((REPOSITORY / word.partition("::")[0]).exists() for word in words if not word.startswith("-"))
