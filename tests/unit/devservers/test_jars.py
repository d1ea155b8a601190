"""Kafka's jars are those that the project was made with, byte by byte."""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from devservers import jars
from devservers.jars import JarsChangedError, JarsMissingError, expected_hashes, require_expected


@pytest.fixture
def folder(tmp_path: Path) -> list[Path]:
    files = [tmp_path / f"{name}.jar" for name in ("kafka", "log4j")]
    for file in files:
        file.write_bytes(file.name.encode())
    return files


@pytest.fixture
def hashes(folder: list[Path]) -> dict[str, str]:
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder}


def test_every_jar_of_the_class_path_has_its_hash() -> None:
    hashes = expected_hashes()
    assert f"kafka_2.13-{jars.KAFKA_VERSION}.jar" in hashes
    assert len(hashes) > 50
    assert all(len(digest) == 64 and int(digest, 16) for digest in hashes.values())


def test_the_expected_files_are_accepted(folder: list[Path], hashes: dict[str, str]) -> None:
    require_expected(folder, hashes)


def test_a_changed_a_missing_and_an_additional_jar_are_each_named(
    folder: list[Path], hashes: dict[str, str], tmp_path: Path
) -> None:
    folder[0].write_bytes(b"something else")
    with pytest.raises(JarsChangedError, match=r"kafka\.jar has SHA-256 .*, expected"):
        require_expected(folder, hashes)
    with pytest.raises(JarsChangedError, match=r"kafka\.jar is missing"):
        require_expected(folder[1:], hashes)
    with pytest.raises(JarsChangedError, match=r"kafka\.jar is none of them"):
        require_expected(folder, {"log4j.jar": hashes["log4j.jar"]})


def test_what_is_resolved_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jars, "expected_hashes", lambda: {"kafka.jar": "0" * 64})
    jars.Jars.resolve.cache_clear()
    with pytest.raises(JarsChangedError, match="nothing is started"):
        jars.Jars.resolve()
    jars.Jars.resolve.cache_clear()


@pytest.mark.parametrize(
    ("cause", "advice"),
    [
        (PermissionError(13, "Permission denied", "/home/x/.cache"), "XDG_CACHE_HOME"),
        (OSError(30, "Read-only file system"), "XDG_CACHE_HOME"),
        (RuntimeError("SSL: CERTIFICATE_VERIFY_FAILED"), "REQUESTS_CA_BUNDLE"),
        (RuntimeError("Name or service not known"), "HTTPS_PROXY"),
    ],
)
def test_what_keeps_the_jars_away_decides_what_is_advised(
    monkeypatch: pytest.MonkeyPatch, cause: Exception, advice: str
) -> None:
    def fails(*_: object, **__: object) -> list[Path]:
        raise RuntimeError("no jar") from cause

    monkeypatch.setattr(jars, "_built", fails)
    jars.Jars.resolve.cache_clear()
    with pytest.raises(JarsMissingError, match=advice):
        jars.Jars.resolve()


def test_the_cache_is_where_the_user_wants_caches(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert tmp_path in jars.jars_cache().parents


def test_two_who_need_the_jars_fetch_one_after_the_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: list[Path]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(jars, "require_expected", lambda *_: None)
    fetching, overlapped, both = threading.Lock(), threading.Event(), threading.Barrier(2)

    def fetch(*_: object, **__: object) -> list[Path]:
        if not fetching.acquire(blocking=False):
            overlapped.set()
        elif not overlapped.wait(timeout=0.2):  # long enough for the other to come, were it not kept out
            fetching.release()
        return folder

    def resolve() -> str:
        both.wait(timeout=60)
        return jars.Jars.resolve.__wrapped__()

    monkeypatch.setattr(jars, "_built", fetch)
    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(resolve) for _ in range(2)]
        assert len({each.result(timeout=60) for each in running}) == 1
    assert not overlapped.is_set()
