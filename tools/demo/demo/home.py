"""Where the stack keeps everything it makes: `.demo/` in the repository, or `$DEMO_HOME`."""

import hashlib
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from devservers.private_files import UnsafeFileError, private_directory

REPOSITORY = Path(__file__).resolve().parents[3]
GUIDE = REPOSITORY / "build" / "guide"
"""Where `./demo docs` puts the guide: it is of the repository, the same for every stack."""

MADE = frozenset(
    {
        "data",
        "logs",
        "secrets",
        "client",
        "tour",
        "chaos",
        "anomalies",
        "supervisor.json",
        "supervisor.lock",
    }
)
"""All that the commands make in a home."""


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one stack. Two stacks with different homes and port offsets live side by side."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        """The home that `$DEMO_HOME` names, `.demo/` without one."""
        return cls(Path(os.environ.get("DEMO_HOME") or REPOSITORY / ".demo").absolute())

    @property
    def data(self) -> Path:
        """Kafka's, PostgreSQL's and the order instances' data: what `down --volumes` erases."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """One file per part."""
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        """One password per file."""
        return self.root / "secrets"

    @property
    def record(self) -> Path:
        """What the supervisor last said about itself and its children (`record.py`)."""
        return self.root / "supervisor.json"

    @property
    def lock(self) -> Path:
        """Locked for as long as a supervisor lives, by the system, so that no crash leaves it locked."""
        return self.root / "supervisor.lock"

    @property
    def starting_lock(self) -> Path:
        """Locked while the stack is being started; beside the folder, which need not be there yet."""
        return self._beside("lock")

    @property
    def links_socket(self) -> Path:
        """Where faults of links are asked for; beside the folder, whose path may be longer than a socket's can be."""
        return self._beside("links")

    def _beside(self, suffix: str) -> Path:
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:16]
        return private_directory(Path(tempfile.gettempdir()) / f"demo-{os.geteuid()}") / f"{digest}.{suffix}"

    def log(self, part: str) -> Path:
        """The log of `part`."""
        return self.logs / f"{part}.log"

    def make(self) -> None:
        """Create the folders, closed to other users whatever the umask.

        Those of root let others pass, not look, on the way to the data of PostgreSQL, which runs as another user then.

        Raises:
            UnsafeFileError: one is a symbolic link, no directory or another user's.
        """
        passage = 0o711 if os.geteuid() == 0 else 0o700
        private_directory(self.root, mode=passage)
        private_directory(self.data, mode=passage)
        private_directory(self.logs)
        private_directory(self.secrets)

    def rotate_logs(self) -> None:
        """Keep the logs of the run before this one as `*.log.1`."""
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def erase(self) -> list[str]:
        """Remove all that is called as what a stack makes, only while nothing runs; the names of what was removed.

        In a folder that others use as well everything else of theirs stays; what they call `data` or `logs` is taken for
        the stack's.

        Raises:
            UnsafeFileError: there is no stack's in the folder, but somebody's files.
        """
        there = {each.name for each in self.root.iterdir()} if self.root.exists() else set()
        # Of a supervisor that was killed while it wrote.
        unfinished = {name for name in there if name.startswith(f".{self.record.name}.")}
        made = MADE | unfinished
        if not (there <= made or self.lock.name in there):
            raise UnsafeFileError(f"{self.root} holds no stack: DEMO_HOME has to name the folder of one")
        erased = sorted(there & made)
        for name in erased:
            entry = self.root / name
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        if self.root.exists() and there <= made:
            self.root.rmdir()
        return erased
