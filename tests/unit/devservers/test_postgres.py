"""The user PostgreSQL runs as when root starts it must reach the programs and the data."""

import getpass
import os
import pwd
import tempfile
from pathlib import Path

import pytest

from devservers.postgres import PostgresInstall
from devservers.postgres_programs import PostgresUnavailableError, barrier_for, binaries
from devservers.private_files import UnsafeFileError, kept_password

OTHER = "nobody"
PASSWORD = "secret-of-the-test"  # noqa: S105  of a server that never runs


@pytest.fixture
def open_way(tmp_path: Path) -> Path:
    """A folder that every user may enter, three deep."""
    place = tmp_path / "a" / "b"
    place.mkdir(parents=True)
    return place


def closed_above(path: Path) -> Path | None:
    return barrier_for(path, user=OTHER)


def test_the_topmost_folder_that_is_closed_is_named(open_way: Path) -> None:
    above = closed_above(open_way)  # of the machine: a private temporary folder, or none
    (open_way.parent).chmod(0o700)
    assert closed_above(open_way) == (above or open_way.parent)


def test_an_owner_needs_only_an_owner_s_permission(open_way: Path) -> None:
    open_way.chmod(0o700)
    assert barrier_for(open_way, user=getpass.getuser()) is None


def test_a_place_that_is_not_made_yet_is_judged_by_what_is_there(open_way: Path) -> None:
    assert barrier_for(open_way / "later" / "data", user=getpass.getuser()) is None


def test_the_message_names_the_barrier_and_the_remedy(
    open_way: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    open_way.chmod(0o700)
    server = PostgresInstall(directory=open_way, port=1, password="")
    if pwd.getpwnam(OTHER).pw_uid == open_way.stat().st_uid:
        pytest.skip("the tests run as the user they ask about")
    with pytest.raises(PostgresUnavailableError, match="Remedy: run as an ordinary user, or `chmod o\\+x"):
        server.require_reachable()


def test_an_ordinary_user_runs_it_as_himself(open_way: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    open_way.chmod(0o700)
    server = PostgresInstall(directory=open_way, port=1, password="")
    assert server.user is None
    server.require_reachable()


def test_the_programs_are_those_of_postgresql_18() -> None:
    assert {"initdb", "postgres", "psql"} <= {program.name for program in binaries().iterdir()}


def test_a_password_is_made_once_and_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "password"
    first = kept_password(file)
    assert kept_password(file) == first
    assert len(first) >= 32
    assert file.stat().st_mode & 0o777 == 0o600
    assert kept_password(tmp_path / "another") != first


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
