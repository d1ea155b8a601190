"""A command that a job consists of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from demo.home import REPOSITORY
from demo.supervisor.graph import JobError
from devservers.process import ChildProcess, describe_exit, tail


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """Runs `command` in the repository with exactly the environment `env`; to be given to a job as its `run`."""

    command: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)  # passwords are in it

    async def __call__(self, log: Path) -> None:
        """Run it to its end, its output appended to `log`.

        Raises:
            JobError: it ended with another exit code than 0; the message ends with its last lines.
            OSError: it cannot be started.
        """
        child = await ChildProcess.start(self.command, log=log, env=self.env, cwd=REPOSITORY)
        try:
            code = await child.wait()
        finally:
            child.kill_group()
        if code:
            name = f"`{Path(self.command[0]).name} {self.command[1]}`"
            raise JobError(f"{name} ended with {describe_exit(code)}\n{tail(log)}")
