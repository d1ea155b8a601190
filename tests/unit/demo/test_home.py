"""What `./demo down --volumes` erases, whatever `$DEMO_HOME` names."""

from pathlib import Path

import pytest

from demo.__main__ import main
from demo.home import Home


def test_a_stack_is_erased_with_its_folder(home: Home) -> None:
    (home.root / "client").mkdir()
    home.lock.touch()
    (home.root / ".supervisor.json.12ab").touch()  # its supervisor was killed while it wrote
    assert home.erase() == [
        ".supervisor.json.12ab", "client", "data", "logs", "secrets", "supervisor.lock",
    ]  # fmt: skip
    assert not home.root.exists()
    assert home.erase() == []


def test_a_folder_of_somebodys_files_is_not_erased(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "one").write_text("dear")
    monkeypatch.setenv("DEMO_HOME", str(tmp_path))
    assert main(["down", "--volumes"]) == 1
    assert capsys.readouterr().err.startswith(f"demo down: {tmp_path} holds no stack")
    assert {each.name for each in tmp_path.iterdir()} == {"data", "letters"}


def test_what_stands_beside_a_stack_stays(home: Home) -> None:
    home.lock.touch()
    (home.root / "letters").write_text("dear")
    (home.root / "chaos").symlink_to(home.root.parent)
    erased = home.erase()
    assert [each.name for each in home.root.iterdir()] == ["letters"]
    assert "letters" not in erased
    assert home.root.parent.is_dir()
