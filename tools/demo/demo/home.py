"""Where the stack keeps everything it makes: `.demo/` in the repository, or `$DEMO_HOME`."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one stack. Two stacks with different homes and port offsets live side by side."""

    root: Path

    @classmethod
    def from_environment(cls) -> "Home":
        return cls(Path(os.environ.get("DEMO_HOME") or REPOSITORY / ".demo").absolute())

    @property
    def data(self) -> Path:
        """Kafka's, PostgreSQL's and the order instances' data: what `down --volumes` erases."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def secrets(self) -> Path:
        return self.root / "secrets"

    @property
    def record(self) -> Path:
        """What the supervisor last said about itself and its children (`record.py`)."""
        return self.root / "supervisor.json"

    @property
    def lock(self) -> Path:
        """Locked for as long as a supervisor lives, by the system, so that no crash leaves it locked."""
        return self.root / "supervisor.lock"

    def log(self, part: str) -> Path:
        return self.logs / f"{part}.log"

    def make(self) -> None:
        """Create the folders; root's let the unprivileged user pass that PostgreSQL runs as, secrets stay closed."""
        for folder in (self.root, self.data, self.logs):
            folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                folder.chmod(0o755)
        self.secrets.mkdir(mode=0o700, exist_ok=True)

    def rotate_logs(self) -> None:
        """Keep the logs of the run before this one as `*.log.1`."""
        for log in self.logs.glob("*.log"):
            log.replace(log.with_suffix(".log.1"))

    def erase(self) -> None:
        """Remove data, passwords and logs; only while nothing runs."""
        if self.root.exists():
            shutil.rmtree(self.root)
