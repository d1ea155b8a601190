"""A file system of a few megabytes, to be full soon."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """Mounted at `directory`."""

    directory: Path

    def resize(self, *, megabytes: int) -> None:
        subprocess.run(
            ["mount", "-o", f"remount,size={megabytes}m", str(self.directory)], check=True, timeout=10
        )

    def fill(self) -> None:
        """Until nothing more fits."""
        with (self.directory / "ballast").open("wb", buffering=0) as ballast:
            piece = bytes(1 << 20)
            try:
                while True:
                    if ballast.write(piece) < len(piece):
                        piece = bytes(max(1, len(piece) // 2))
            except OSError:
                return

    def free(self) -> None:
        """Take away what `fill` has put there."""
        (self.directory / "ballast").unlink()


@contextmanager
def small_disk(directory: Path, *, megabytes: int, uid: int = 0, gid: int = 0) -> Iterator[SmallDisk]:
    """In memory, the user's alone. The test is skipped where nothing may be mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    directory.mkdir(parents=True)
    options = f"size={megabytes}m,mode=0700,uid={uid},gid={gid}"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(directory)],
        capture_output=True,
        text=True,
        check=False,
        timeout=10,
    )
    if mounted.returncode:
        pytest.skip(f"nothing may be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(directory)
    finally:
        subprocess.run(["umount", "--lazy", str(directory)], check=True, timeout=10)
