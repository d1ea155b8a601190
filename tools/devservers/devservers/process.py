"""One child process: started in a session of its own with its output in a file, stopped for certain."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from devservers.private_files import PRIVATE_UMASK, open_private

_INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR")


def minimal_environment(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a server inherits of the caller's environment: where things are, language, time zone, certificates.

    Everything else stays behind: a caller's environment holds credentials that are no server's business.
    """
    return {
        name: value for name, value in environment.items() if name in _INHERITED or name.startswith("LC_")
    }


class ChildProcess:
    """A running command. Its descendants belong to its process group and end with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        """Own `process`; `start` makes one."""
        self._process = process

    @classmethod
    async def start(  # noqa: PLR0913  what a process needs, each by its name
        cls,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str],
        cwd: Path,
        user: str | None = None,
        pass_fds: Sequence[int] = (),
    ) -> "ChildProcess":
        """Start `command`, both outputs appended to `log`, as `user` when given (needs root).

        The files that it makes and its log are closed to other users, whatever the caller's umask.
        """
        with os.fdopen(open_private(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT), "ab") as output:
            process = await asyncio.create_subprocess_exec(
                *map(str, command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
                umask=PRIVATE_UMASK,
                pass_fds=pass_fds,
                user=user,
                group=_group_of(user) if user else None,
                extra_groups=() if user else None,
            )
        return cls(process)

    @property
    def pid(self) -> int:
        """Its process id, which is its process group as well."""
        return self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Wait for the end; negative is the signal's number, as in `subprocess`."""
        return await self._process.wait()

    async def stop(self, *, sig: signal.Signals = signal.SIGTERM, grace_s: float = 10.0) -> int:
        """Ask with `sig`, insist with SIGKILL after `grace_s`; nothing of the group is left afterwards."""
        if self.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(sig)
            self._signal_group(signal.SIGCONT)  # a stopped process would never see the request
            with suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self.wait()
        self.kill_group()
        return await self.wait()

    def kill_group(self) -> None:
        """End whatever is left of the process and its descendants at once."""
        self._signal_group(signal.SIGKILL)

    def _signal_group(self, sig: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, sig)


def become(program: str | Path, *words: str) -> NoReturn:
    """Replace this process by `program`, so that signals and the exit code are its own."""
    sys.stdout.flush()
    os.execv(program, [str(program), *words])  # noqa: S606  no shell is what is wanted


def describe_exit(returncode: int) -> str:
    """`exit code 3` or `SIGKILL`."""
    return f"exit code {returncode}" if returncode >= 0 else signal.Signals(-returncode).name


def tail(log: Path, lines: int = 20) -> str:
    """Last `lines` lines of `log`, empty when there is none."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(0, os.SEEK_END)
        file.seek(max(0, file.tell() - lines * 400))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])


def _group_of(user: str) -> int:
    import pwd  # noqa: PLC0415  POSIX only, as is changing the user

    return pwd.getpwnam(user).pw_gid
