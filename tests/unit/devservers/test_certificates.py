"""The authority of a stack: what it makes is kept, closed to others, and made again in time."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

from devservers.certificates import Authority, expires_at


def test_certificates_are_kept_until_they_near_their_end(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority").make()
    lasting = authority.issue("lasting").read_text()
    ending = authority.issue("ending", life=timedelta(days=9)).read_text()
    trusted = authority.certificate.read_text()
    again = Authority(tmp_path / "authority").make()
    assert again.certificate.read_text() == trusted
    assert again.issue("lasting").read_text() == lasting
    assert again.issue("ending").read_text() != ending
    assert expires_at(again.issue("ending")) - datetime.now(UTC) > timedelta(days=29)


def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority").make()
    authority.issue("server")
    files = list(authority.directory.iterdir())
    assert len(files) == 3
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(authority.directory.stat().st_mode) == 0o700


def test_a_new_authority_makes_new_certificates(tmp_path: Path) -> None:
    authority = Authority(tmp_path / "authority").make()
    before = authority.issue("server").read_text()
    authority.certificate.unlink()
    authority.make()
    assert authority.issue("server").read_text() != before
