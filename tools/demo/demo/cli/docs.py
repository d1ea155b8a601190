"""`./demo docs`: the guide as static pages."""

import argparse
import re
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path

from demo.errors import CommandError
from demo.home import GUIDE, REPOSITORY

SOURCE = REPOSITORY / "docs"
LOCK = REPOSITORY / "requirements" / "docs.txt"
ENVIRONMENT = REPOSITORY / ".venv" / "docs"
"""An environment inside of the demo's: whatever the builder needs is in nobody's way, and goes with it."""
_INLINE = re.compile(
    r"<script(?![^>]*\bsrc=)[^>]*>\s*\S|<style\b|<[^>]+\s(on[a-z]+|style)\s*=", re.IGNORECASE
)


class DocsError(CommandError):
    """The guide could not be built; the message says why."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `docs`."""
    parser.add_argument(
        "--check",
        action="store_true",
        help="build everything anew, and fail on any warning: a link that leads nowhere, a page that no list has",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=GUIDE,
        help="where to put the pages (default: build/guide, which `up` shows)",
    )


def run(args: argparse.Namespace) -> int:
    """Build, and say where. Raises DocsError."""
    out = args.out.resolve()
    build(_installed(), out, strict=args.check)
    print(f"{sum(1 for _ in out.rglob('*.html'))} pages in {out}")
    if out == GUIDE:
        print("A stack of `./demo up` shows them at /guide; any web server can.")
    return 0


def build(python: Path, out: Path, *, strict: bool) -> None:
    """Build the pages into `out` with the builder of `python`; a page with a script or style written into it is refused.

    Raises:
        DocsError: the builder refuses, or a page could not be served under the catalog's policy.
    """
    options = ["--fail-on-warning", "--fresh-env"] if strict else []
    trees = out.with_name(f"{out.name}-trees")
    command = [
        *(str(python), "-m", "sphinx", "--builder", "html", "--quiet", "--jobs", "auto"),
        *options,
        *("--doctree-dir", str(trees), str(SOURCE), str(out)),
    ]
    if subprocess.run(command, check=False).returncode != 0:
        raise DocsError("the guide could not be built; what is in the way stands above")
    if pages := list(inline(out)):
        raise DocsError(f"{len(pages)} pages hold a script or a style, the first is {pages[0]}")


def inline(folder: Path) -> Iterator[Path]:
    """Pages that hold what a strict policy forbids: a script, a style sheet or a handler that is written into them."""
    for page in sorted(folder.rglob("*.html")):
        if _INLINE.search(page.read_text(encoding="utf-8")):
            yield page


def _installed() -> Path:
    """The Python of the builder's environment, made or renewed when its lock is another than last time."""
    python = ENVIRONMENT / "bin" / "python"
    stamp = ENVIRONMENT / "installed"
    wanted = LOCK.read_text(encoding="utf-8")
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return python
    shutil.rmtree(ENVIRONMENT, ignore_errors=True)
    print(f"demo docs: installing what builds the guide ({LOCK.relative_to(REPOSITORY)})", file=sys.stderr)
    venv.create(ENVIRONMENT, with_pip=False)
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--disable-pip-version-check"]
    words = ["--quiet", "--no-deps", "--require-hashes", "--requirement", str(LOCK)]
    if subprocess.run([*pip, *words], check=False).returncode != 0:
        raise DocsError("its packages could not be installed; pip says why above")
    stamp.write_text(wanted, encoding="utf-8")
    return python
