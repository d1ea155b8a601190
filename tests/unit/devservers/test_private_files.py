"""Files for one user alone: whatever the umask, and whatever somebody else has put in their place."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from devservers.private_files import (
    UnsafeFileError,
    given_directory,
    kept_password,
    open_private,
    private_directory,
    write_private,
)
from devservers.process import ChildProcess, minimal_environment


@pytest.fixture(params=[0o000, 0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[None]:
    """The tests of modes hold under any of these."""
    before = os.umask(request.param)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """A file that a link leads to, and that must stay as it is."""
    file = tmp_path / "of root"
    file.write_text("root's own")
    file.chmod(0o640)
    return file


def untouched(target: Path) -> bool:
    status = target.stat()
    return target.read_text() == "root's own" and (status.st_mode & 0o777, status.st_uid) == (
        0o640,
        os.geteuid(),
    )


def test_what_is_made_is_closed_to_others(umask: None, tmp_path: Path) -> None:
    assert mode(private_directory(tmp_path / "folder")) == 0o700
    assert mode(private_directory(tmp_path / "passage", mode=0o711)) == 0o711
    os.close(open_private(tmp_path / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    assert mode(tmp_path / "log") == 0o600
    write_private(tmp_path / "record", "text")
    assert mode(tmp_path / "record") == 0o600


def test_what_was_made_open_is_closed(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o755)
    assert mode(private_directory(tmp_path / "folder")) == 0o700
    (tmp_path / "log").touch(mode=0o644)
    os.close(open_private(tmp_path / "log", os.O_WRONLY | os.O_CREAT))
    assert mode(tmp_path / "log") == 0o600


async def test_what_a_child_writes_is_closed_to_others(umask: None, tmp_path: Path) -> None:
    child = await ChildProcess.start(
        ("sh", "-c", "mkdir made; touch made/file"),
        log=tmp_path / "log",
        env=minimal_environment(),
        cwd=tmp_path,
    )
    assert await child.wait() == 0
    assert (mode(tmp_path / "made"), mode(tmp_path / "made" / "file"), mode(tmp_path / "log")) == (
        0o700,
        0o600,
        0o600,
    )


def test_no_link_is_followed(tmp_path: Path, target: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(target)
    for flags in (os.O_RDONLY, os.O_WRONLY | os.O_CREAT, os.O_WRONLY | os.O_CREAT | os.O_TRUNC):
        with pytest.raises(UnsafeFileError, match="symbolic link"):
            open_private(link, flags)
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        kept_password(link)
    write_private(link, "text")  # in the link's place, not in what it leads to
    assert not link.is_symlink()
    assert untouched(target)


def test_a_link_that_leads_nowhere_is_no_new_file(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "nothing")
    with pytest.raises(UnsafeFileError):
        kept_password(tmp_path / "link")
    assert not (tmp_path / "nothing").exists()


def test_a_directory_behind_a_link_is_neither_opened_up_nor_given_away(tmp_path: Path) -> None:
    behind = tmp_path / "behind"
    behind.mkdir(mode=0o700)
    (tmp_path / "link").symlink_to(behind)
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        private_directory(tmp_path / "link", mode=0o711)
    with pytest.raises(UnsafeFileError, match="symbolic link"):
        given_directory(tmp_path / "link", uid=65_534, gid=65_534)
    assert (mode(behind), behind.stat().st_uid) == (0o700, os.geteuid())


def test_a_pipe_in_a_file_s_place_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnsafeFileError, match="no regular file"):
        open_private(tmp_path / "pipe", os.O_RDONLY)


def test_a_password_that_others_can_read_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "password"
    kept_password(file)
    file.chmod(0o644)
    with pytest.raises(UnsafeFileError, match="chmod 600"):
        kept_password(file)


def test_who_makes_a_password_at_the_same_time_gets_the_same_and_never_an_empty_one(tmp_path: Path) -> None:
    for number in range(20):
        file = tmp_path / f"password-{number}"
        start, got = threading.Barrier(4), list[str]()

        def ask(file: Path = file, start: threading.Barrier = start, got: list[str] = got) -> None:
            start.wait()
            got.append(kept_password(file))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(got) == 4
        assert len(set(got)) == 1
        assert len(got[0]) >= 32
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]
