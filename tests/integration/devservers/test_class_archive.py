"""The archive of Kafka's classes: a help when it fits, no harm when it does not."""

import asyncio
import subprocess
from pathlib import Path

import psutil
import pytest

from devservers.class_archive import ClassArchive
from devservers.jars import Jars
from tests.support.waiting import wait_until


@pytest.fixture
def archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClassArchive:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return ClassArchive.of("")


def java(*options: str) -> str:
    command = [str(Jars.java()), *options, "-XX:+UseSerialGC", "-version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stderr


def test_another_class_path_has_another_archive(archive: ClassArchive) -> None:
    assert ClassArchive.of("other.jar").file != archive.file
    assert ClassArchive.of("").file == archive.file


async def test_an_archive_made_from_the_listed_classes_is_used(archive: ClassArchive, tmp_path: Path) -> None:
    listed = tmp_path / "classes"
    java(*archive.learn_options(listed))
    await archive.make(listed, log=tmp_path / "log")
    assert archive.exists, (tmp_path / "log").read_text()
    assert [file.name for file in archive.file.parent.iterdir()] == [archive.file.name]
    shared = java(*archive.use_options, "-Xshare:on")  # `on` refuses to start without the archive
    assert "sharing" in shared


def children() -> set[psutil.Process]:
    """This process's children: the servers of the session are among them."""
    return set(psutil.Process().children())


async def test_making_it_can_be_given_up_and_leaves_nothing(archive: ClassArchive, tmp_path: Path) -> None:
    listed = tmp_path / "classes"
    java(*archive.learn_options(listed))
    before = children()
    making = asyncio.create_task(archive.make(listed, log=tmp_path / "log"))
    await wait_until(lambda: children() - before, what="Java works")
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert children() - before == set()
    assert not archive.exists
    assert not archive.file.parent.exists() or list(archive.file.parent.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"certainly no archive" * 1000])
def test_java_goes_on_without_an_archive_it_cannot_use(archive: ClassArchive, content: bytes) -> None:
    archive.file.parent.mkdir(parents=True)
    archive.file.write_bytes(content)
    said = java(*archive.use_options)
    assert "openjdk version" in said
    assert "warning" not in said.lower()
