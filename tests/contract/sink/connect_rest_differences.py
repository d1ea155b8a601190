"""Where our worker's answers differ from the recorded ones on purpose. Whatever is not listed here has to be the same."""

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class Difference:
    """Fields (`at`, a pattern over JSON pointers into the answer) of steps (a pattern over their names), and why."""

    steps: str
    at: str
    reason: str

    def covers(self, step: str, pointer: str) -> bool:
        return fnmatchcase(step, self.steps) and fnmatchcase(pointer, self.at)


DIFFERENCES: tuple[Difference, ...] = ()
