# ruff: noqa: INP001 - a script that stands alone
"""Records `docs/tour.svg`, a step of the tour as a terminal shows it, on the stack that `./demo up` left running.

.venv/bin/python docs/record_tour.py [STEP]
"""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).with_name("tour.svg")
STALE_READ = "3"
WIDTH = 112
_HEADING = re.compile(r"\n(?:\x1b\[[\d;]*m)*\d+ of 10  ")
LINE_S = 0.25
_LINE = re.compile(r'clip-path="(url\(#[\w-]+-line-(\d+)\))"')
_FOREIGN_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def taken(step: str) -> str:
    """What the terminal shows of one step, colours included, at the usual ports."""
    done = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-m", "demo", "tour", "--from", step],
        env=os.environ | {"FORCE_COLOR": "1", "COLUMNS": str(WIDTH)},
        input="\nq\n",
        capture_output=True,
        text=True,
        check=True,
    )
    offset = int(os.environ.get("DEMO_PORT_OFFSET", "0"))
    said = re.sub(r"(?<=localhost:)\d{4,5}", lambda port: str(int(port[0]) - offset), done.stdout)
    _, shown, _ = _HEADING.split(said)
    return f"{step} of 10  " + shown.replace("q leaves: ", "q leaves:\n\n").strip("\n")


def one_by_one(svg: str) -> str:
    """The picture with its lines appearing one after the other, for whoever does not ask for less motion."""
    lines = {(int(number), clip) for clip, number in _LINE.findall(svg)}
    delays = "".join(
        f'    text[clip-path="{clip}"] {{ animation-delay: {number * LINE_S:g}s }}\n'
        for number, clip in sorted(lines)
    )
    motion = (
        "    @keyframes appear { from { opacity: 0 } to { opacity: 1 } }\n"
        "    @media (prefers-reduced-motion: no-preference) {\n"
        "    text[clip-path] { animation: appear 0.1s both }\n"
        f"{delays}    }}\n"
    )
    return svg.replace("    </style>", f"{motion}    </style>", 1)


def main() -> None:
    """Write the picture."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ ./demo tour", style="bold"))
    console.print(Text.from_ansi(taken(sys.argv[1] if sys.argv[1:] else STALE_READ)))
    svg = _FOREIGN_FONTS.sub("", console.export_svg(title="./demo tour"))
    PICTURE.write_text(one_by_one(svg), encoding="utf-8")


if __name__ == "__main__":
    main()
