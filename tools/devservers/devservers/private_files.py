"""Files and directories for one user alone, made and opened without following a symbolic link.

The directories of a stack may be in places where others can plant a link, and some steps run as root: a link that is
followed there would let them have any file written, opened up or given away.
"""

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

PRIVATE_UMASK = 0o077
"""What processes of the stack take from the modes of their files: everything but the owner's rights."""


class UnsafeFileError(RuntimeError):
    """A file or directory is not what it has to be before it is used; the message names it and the reason."""


def private_directory(path: Path, *, mode: int = 0o700) -> Path:
    """Make `path` unless it is there, and give it `mode` whatever the umask; returns it.

    Parents that are missing are made as the umask has it.

    Raises:
        UnsafeFileError: it is a symbolic link, no directory, or belongs to another user.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        path.mkdir(mode=mode)
    descriptor = _opened_directory(path)
    try:
        if os.fstat(descriptor).st_uid != os.geteuid():
            raise UnsafeFileError(f"{path} belongs to another user")
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    return path


def given_directory(path: Path, *, uid: int, gid: int) -> Path:
    """Make `path` unless it is there and give it, closed to everybody else, to a user; returns it. Needs root.

    Raises:
        UnsafeFileError: it is a symbolic link, no directory, or belongs to neither this user nor that one.
    """
    with suppress(FileExistsError):
        path.mkdir(mode=0o700)
    descriptor = _opened_directory(path)
    try:
        if os.fstat(descriptor).st_uid not in (os.geteuid(), uid):
            raise UnsafeFileError(f"{path} belongs to another user")
        os.fchown(descriptor, uid, gid)
        os.fchmod(descriptor, 0o700)
    finally:
        os.close(descriptor)
    return path


def open_private(path: Path, flags: int) -> int:
    """Open `path`, made with mode 0600 if need be; gives the descriptor, which the caller closes.

    Raises:
        UnsafeFileError: it is a symbolic link or no regular file.
        OSError: as `os.open`.
    """
    try:
        descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
    except OSError as error:
        if path.is_symlink():
            raise UnsafeFileError(f"{path} is a symbolic link") from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise UnsafeFileError(f"{path} is no regular file")
    if flags & os.O_CREAT and status.st_uid == os.geteuid():
        os.fchmod(descriptor, 0o600)
    return descriptor


def write_private(path: Path, text: str) -> None:
    """Replace `path` by a file of mode 0600 that holds `text`, in one step: a reader finds the old one or the new."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = open_private(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise


def kept_password(path: Path) -> str:
    """Password in `path`, made on the first call; 192 bits in an alphabet that needs no quoting in a URL.

    Two processes that make it at the same time get the same one.

    Raises:
        UnsafeFileError: the file is a symbolic link, no regular file, or open to other users.
    """
    if not os.path.lexists(path):
        _make_password(path)
    with os.fdopen(open_private(path, os.O_RDONLY)) as file:
        if os.fstat(file.fileno()).st_mode & 0o077:
            raise UnsafeFileError(f"{path} holds a password and is open to other users: `chmod 600 '{path}'`")
        return file.read().strip()


def _make_password(path: Path) -> None:
    """Written whole under another name and linked: the file is never there without its password."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = open_private(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(24) + "\n")
        with suppress(FileExistsError):  # another process was quicker: its password counts
            os.link(unfinished, path, follow_symlinks=False)
    finally:
        unfinished.unlink()


def _opened_directory(path: Path) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        kind = "a symbolic link" if path.is_symlink() else "no directory that can be opened"
        raise UnsafeFileError(f"{path} is {kind}") from error
