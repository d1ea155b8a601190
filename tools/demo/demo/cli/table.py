"""How parts and states look in a terminal."""

from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo.supervisor.control import Snapshot

_STYLES = {
    "ready": "green",
    "done": "green",
    "waiting": "dim",
    "starting": "yellow",
    "restarting": "bold yellow",
    "unready": "bold yellow",
    "stopping": "dim",
    "stopped": "dim",
    "failed": "bold red",
}


WIDTH = 110
"""Columns that the longest line needs; a narrower terminal wraps the line and loses nothing of it."""


def wide(console: Console) -> Console:
    """Let `console` write whole lines, however narrow its terminal is."""
    console.width = max(console.width, WIDTH)
    return console


def state_text(state: str) -> Text:
    """A state in its colour."""
    return Text(state, style=_STYLES.get(state, ""))


def parts_table(snapshot: Snapshot) -> Table:
    """One line per running part: state, process, memory, restarts, address."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold")
    for heading, side in (
        ("part", "left"),
        ("state", "left"),
        ("pid", "right"),
        ("MB", "right"),
        ("restarts", "right"),
    ):
        table.add_column(heading, justify="right" if side == "right" else "left")
    table.add_column("address")
    for name, part in sorted(snapshot["parts"].items()):
        figures = [part["pid"], part.get("rss_mb"), part["restarts"]]
        table.add_row(
            name,
            state_text(part["state"]),
            *("" if f is None else str(f) for f in figures),
            part["url"] or "",
        )
    return table
