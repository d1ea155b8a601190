"""The sink's wheel, installed as a user would: into an empty environment, by each Python that is on the machine."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from demo.cli.build import build
from demo.home import REPOSITORY
from sink_connector.version import VERSION

UV = str(Path(sys.executable).with_name("uv"))
PYENV = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
OLDEST = ["--resolution", "lowest-direct"]
EVERY_MODULE = """
import importlib, pkgutil, sink_connector
for module in pkgutil.walk_packages(sink_connector.__path__, "sink_connector."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
"""
FILE = '{"name": "a", "config": {"connector.class": "io.aiven.connect.jdbc.JdbcSinkConnector", "topics": "t", "connection.url": "postgresql://h/d"}}'


def uv(*words: str, **options: str) -> str:
    done = subprocess.run(
        [UV, *words],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
        **options,  # type: ignore[call-overload] # only `input`
    )
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


def interpreter(version: str) -> str:
    """The interpreter of a version, on the PATH or among those of pyenv; the test is skipped without one."""
    environ = os.environ | {
        "PATH": os.pathsep.join([os.environ["PATH"], *map(str, PYENV.glob("versions/*/bin"))])
    }
    command = [UV, "python", "find", "--no-python-downloads", "--no-project", version]
    found = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if found.returncode != 0:
        pytest.skip(f"no Python {version} on this machine")
    return found.stdout.strip()


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("dist"))[1]


def works(environment: Path, tmp_path: Path) -> None:
    """Every module can be imported, and the command answers."""
    file = tmp_path / "connector.json"
    file.write_text(FILE)
    for command in (["python", "-c", EVERY_MODULE], ["sink-connector", "validate", str(file)]):
        done = subprocess.run(
            [str(environment / "bin" / command[0]), *command[1:]],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
    said = subprocess.run(
        [str(environment / "bin" / "sink-connector"), "--version"], capture_output=True, text=True, check=True
    )
    assert said.stdout == f"sink-connector {VERSION}\n"


@pytest.mark.parametrize("python", PYTHONS)
def test_it_installs_and_works_with_the_locked_versions(python: str, wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    uv("venv", "--python", interpreter(python), str(environment))
    target = ["--python", str(environment / "bin" / "python")]
    uv("pip", "install", *target, "--require-hashes", "-r", str(REPOSITORY / "requirements" / "sink.txt"))
    uv("pip", "install", *target, "--no-deps", str(wheel))
    works(environment, tmp_path)


def test_it_installs_and_works_with_the_lowest_versions_it_allows(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    uv("venv", "--python", interpreter("3.11"), str(environment))
    lowest = uv(
        "pip", "compile", *OLDEST, "--python-version", "3.11", "--extra", "registry",
        str(REPOSITORY / "sink_connector" / "pyproject.toml"),
    )  # fmt: skip
    target = ["--python", str(environment / "bin" / "python")]
    uv("pip", "install", *target, "-r", "-", input=lowest)
    uv("pip", "install", *target, "--no-deps", str(wheel))
    works(environment, tmp_path)


def test_without_an_extra_it_works_and_names_the_extra_that_a_registry_needs(
    wheel: Path, tmp_path: Path
) -> None:
    environment = tmp_path / "environment"
    uv("venv", "--python", interpreter("3.11"), str(environment))
    uv("pip", "install", "--python", str(environment / "bin" / "python"), str(wheel))
    file = tmp_path / "connector.json"
    avro = '"value.converter": "io.confluent.connect.avro.AvroConverter", "value.converter.schema.registry.url": "http://h"'
    file.write_text(FILE.replace('"topics"', f'{avro}, "topics"'))
    done = subprocess.run(
        [str(environment / "bin" / "sink-connector"), "validate", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "sink-connector[registry]" in done.stdout + done.stderr
