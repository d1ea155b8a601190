"""`./demo test [SUITE …] [pytest arguments]`: the folders of `tests/`, run by pytest."""

import os
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
"""The suite that needs no stack: run by itself it takes every core."""


def main(words: list[str]) -> int:
    """Become pytest for the suites among `words`; when none is named, for all that need no containers.

    The rest of `words` are pytest's arguments.
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
    chosen = [str(TESTS / word) for word in words if word in SUITES]
    rest = [word for word in words if word not in SUITES]
    if not chosen and not _names_tests(rest):
        chosen = [str(TESTS / suite) for suite in SUITES if suite != CONTAINERS]
    if chosen == [str(TESTS / ALONE)]:
        rest = ["-n", "auto", *rest]
    os.chdir(REPOSITORY)
    return become(sys.executable, "-m", "pytest", *chosen, *rest)


def _is_meant_as_suite(word: str) -> bool:
    """Whether a word looks like a suite's name and is none: no option, no path."""
    return word.isalpha() and word.islower() and word not in SUITES and not (REPOSITORY / word).exists()


def _names_tests(words: list[str]) -> bool:
    """Whether the pytest arguments say themselves which files to run."""
    return any((REPOSITORY / word.partition("::")[0]).exists() for word in words if not word.startswith("-"))
