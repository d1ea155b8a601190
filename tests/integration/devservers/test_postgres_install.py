"""PostgreSQL is made by its own programs without writing, or giving away, what another user has planted."""

import os
import pwd
import tempfile
from pathlib import Path

import pytest

from devservers.postgres import PostgresInstall
from devservers.postgres_programs import PostgresUnavailableError
from devservers.private_files import UnsafeFileError

OTHER = "nobody"
PASSWORD = "secret-of-the-test"  # noqa: S105  of a server that never runs


def other_user() -> tuple[int, int] | None:
    """Who is to own what PostgreSQL keeps, when it is somebody else."""
    account = pwd.getpwnam(OTHER)
    return (account.pw_uid, account.pw_gid) if os.geteuid() == 0 else None


@pytest.fixture
def reachable(session_directory: Path) -> Path:
    """A directory that the server's user may enter."""
    directory = Path(tempfile.mkdtemp(dir=session_directory))
    directory.chmod(0o755)
    return directory


def install(directory: Path) -> PostgresInstall:
    return PostgresInstall(directory=directory, port=1, password=PASSWORD)


def files_that_hold(text: str, *, below: Path) -> list[Path]:
    return [path for path in below.rglob("*") if path.is_file() and text.encode() in path.read_bytes()]


@pytest.mark.parametrize("name", ["initial-password", "password", "postgres.log", "server/initial-password"])
async def test_what_another_user_has_planted_is_neither_written_nor_given_away(
    reachable: Path, tmp_path: Path, name: str
) -> None:
    """The directory is its user's from an earlier start; links in it lead to a file of whoever starts the server."""
    target = tmp_path / "of root"
    target.write_text("root's own")
    target.chmod(0o600)
    directory = reachable / "postgres"
    (directory / name).parent.mkdir(parents=True)
    (directory / name).symlink_to(target)
    if owner := other_user():
        for path in (directory, (directory / name).parent):
            os.chown(path, *owner)
    server = install(directory)
    await server.create(log=tmp_path / "log")
    assert server.exists
    status = target.stat()
    assert (target.read_text(), status.st_uid, status.st_mode & 0o777) == ("root's own", os.geteuid(), 0o600)


async def test_a_directory_that_is_a_link_is_refused(reachable: Path, tmp_path: Path) -> None:
    behind = tmp_path / "behind"
    behind.mkdir()
    (reachable / "postgres").symlink_to(behind)
    server = install(reachable / "postgres")
    with pytest.raises((UnsafeFileError, PostgresUnavailableError)):
        await server.create(log=tmp_path / "log")
    assert behind.stat().st_uid == os.geteuid()
    assert list(behind.iterdir()) == []


async def test_the_password_is_in_no_file_and_on_no_command_line(reachable: Path, tmp_path: Path) -> None:
    server = install(reachable / "postgres")
    await server.create(log=tmp_path / "log")
    assert files_that_hold(PASSWORD, below=reachable) == []
    assert PASSWORD not in " ".join(server.run_command)
