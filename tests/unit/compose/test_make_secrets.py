"""The job that makes every password of the stack in containers, as root and once."""

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

from auditor import Target

SCRIPT = Path(__file__).parents[3] / "infra" / "docker" / "make_secrets.py"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="it gives files to users, which only root may")


@pytest.fixture
def job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with a folder of the test for its volume."""
    spec = importlib.util.spec_from_file_location("make_secrets", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "DIRECTORY", tmp_path / "secrets")
    (tmp_path / "secrets").mkdir()
    return module


def test_each_secret_is_its_reader_s_alone_whatever_the_umask(job: ModuleType) -> None:
    before = os.umask(0)
    try:
        job.main()
    finally:
        os.umask(before)
    made = {path.name: path.stat() for path in job.DIRECTORY.iterdir() if not path.name.startswith(".")}
    assert made["sink_database_url"].st_uid == job.SINK
    assert made["order-2_database_url"].st_uid == job.ORDERS["order-2"]
    assert all(status.st_mode & 0o777 == 0o400 for status in made.values())


def test_a_second_run_changes_nothing(job: ModuleType) -> None:
    job.main()
    before = {path.name: path.read_bytes() for path in job.DIRECTORY.iterdir()}
    job.main()
    assert {path.name: path.read_bytes() for path in job.DIRECTORY.iterdir()} == before


def test_the_auditor_is_told_of_every_database_also_where_an_earlier_version_made_the_secrets(
    job: ModuleType,
) -> None:
    job.main()
    file = job.DIRECTORY / "audit_target.json"
    assert file.stat().st_uid == job.AUDITOR
    target = Target.from_json(json.loads(file.read_text()))
    assert target.write_databases == {
        instance: (job.DIRECTORY / f"{instance}_database_url").read_text()
        for instance in ("order-1", "order-2", "order-3")
    }
    assert "catalog_reader:" in target.read_dsn
    file.unlink()
    job.main()
    assert Target.from_json(json.loads(file.read_text())) == target


def test_a_link_in_the_place_of_a_secret_is_neither_written_through_nor_given_away(
    job: ModuleType, tmp_path: Path
) -> None:
    target = tmp_path / "of root"
    target.write_text("root's own")
    (job.DIRECTORY / "name").symlink_to(target)
    with pytest.raises(FileExistsError):
        job.put("name", "secret", owner=job.SINK)
    assert (target.read_text(), target.stat().st_uid) == ("root's own", 0)
