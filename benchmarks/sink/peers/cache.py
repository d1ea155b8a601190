"""Where the peers live: each in an environment of its own in a cache folder, built once by the command itself."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

DEFAULT_CACHE = Path.home() / ".cache" / "sink-benchmark"
LAST_LINES = 15


class CannotBuildError(RuntimeError):
    """A peer cannot be had on this machine; the message is what the result says instead of its figures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """The folder of one version of one peer."""

    folder: Path

    @classmethod
    def of(cls, cache: Path, name: str, version: str) -> "Place":
        """Make the folder; another version, or another recipe that has another name, gets another one."""
        folder = cache / f"{name}-{version}"
        folder.mkdir(parents=True, exist_ok=True)
        return cls(folder=folder.resolve())

    @property
    def is_built(self) -> bool:
        return self._mark.exists()

    def built(self) -> None:
        """Note that the build came to its end; without the mark it is begun anew."""
        self._mark.touch()

    def run(self, command: Sequence[str], *, cwd: Path | None = None, env: Mapping[str, str]) -> None:
        """Run one step of the build, its output in `build.log`. Raises CannotBuildError with the log's end."""
        log = self.folder / "build.log"
        with log.open("ab") as output:
            done = subprocess.run(
                command, cwd=cwd or self.folder, env=dict(env), stdout=output, stderr=output, check=False
            )
        if done.returncode:
            end = " / ".join(log.read_text(errors="replace").splitlines()[-LAST_LINES:])
            raise CannotBuildError(f"`{' '.join(command)}` failed: {end}")

    @property
    def _mark(self) -> Path:
        return self.folder / "built"


def program(name: str) -> str:
    """Path of a program that the build needs. Raises CannotBuildError when it is not installed."""
    found = shutil.which(name)
    if found is None:
        raise CannotBuildError(f"{name} is not installed")
    return found
