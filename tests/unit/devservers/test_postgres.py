"""The user PostgreSQL runs as when root starts it must reach the programs and the data."""

import getpass
import pwd
from pathlib import Path

import pytest

from devservers.postgres import PostgresInstall
from devservers.postgres_programs import PostgresUnavailableError, barrier_for, binaries
from devservers.private_files import kept_password

OTHER = "nobody"


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
