"""`./demo build`: the sink connector as packages that `pip install` takes."""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from demo.errors import CommandError
from demo.home import REPOSITORY

SOURCE = REPOSITORY / "sink_connector"
FIRST_ZIP_INSTANT = "315532800"
"""1980-01-01, the earliest a wheel can hold: the same sources give the same bytes, whenever they are built."""


class BuildError(CommandError):
    """The packages could not be built; the message is the builder's."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `build`."""
    parser.add_argument(
        "--out", type=Path, default=REPOSITORY / "dist", help="where to put them (default: dist)"
    )


def run(args: argparse.Namespace) -> int:
    """Build, and print each package with its SHA-256."""
    for package in build(args.out):
        print(f"{hashlib.sha256(package.read_bytes()).hexdigest()}  {package}")
    return 0


def build(out: Path) -> list[Path]:
    """Build the source distribution, and the wheel out of what it holds; gives their files.

    They are made by what the environment has installed from its lock, without a network.

    Raises:
        BuildError: the builder refuses.
    """
    out.mkdir(parents=True, exist_ok=True)
    sdist = _hatchling("sdist", SOURCE, out)
    with tempfile.TemporaryDirectory() as unpacked:
        shutil.unpack_archive(sdist, unpacked, filter="data")
        (source,) = Path(unpacked).iterdir()
        return [sdist, _hatchling("wheel", source, out)]


def _hatchling(target: str, source: Path, out: Path) -> Path:
    hook = f"import sys; from hatchling.build import build_{target}; print(build_{target}(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", hook, str(out.resolve())],
        cwd=source,
        env=os.environ | {"SOURCE_DATE_EPOCH": FIRST_ZIP_INSTANT},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise BuildError(f"the {target} could not be built:\n{done.stderr or done.stdout}")
    return out / done.stdout.split()[-1]
