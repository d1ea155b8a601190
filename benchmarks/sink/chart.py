"""A bar chart as SVG: one bar per row with its median, a line from the slowest run to the fastest."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 860
LABEL_WIDTH = 330
BAR_WIDTH = WIDTH - LABEL_WIDTH - 90
ROW = 24
COLOURS = {
    "ours": "#2a7f62",
    "connect": "#b4652a",
    "faucet": "#3d6fb0",
    "quix": "#8b5fa8",
    "bento": "#b08a1e",
    "limit": "#8a8f98",
}
INK = "#1f2328"
FONT = 'font-family="system-ui, sans-serif" font-size="13"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One row; `group` chooses the colour."""

    label: str
    group: str
    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """Bars under one heading, on one scale."""

    title: str
    bars: Sequence[Bar]


def svg(title: str, panels: Sequence[Panel]) -> str:
    """Draw the panels one below the other."""
    top = 48
    drawn = []
    for panel in panels:
        drawn.append(_text(16, top, panel.title, weight="bold"))
        scale = BAR_WIDTH / max(bar.high for bar in panel.bars)
        for row, bar in enumerate(panel.bars):
            drawn.append(_bar(bar, top + 10 + row * ROW, scale))
        top += 10 + len(panel.bars) * ROW + 34
    height = top - 10
    return "\n".join(
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT} role="img">',
            f"<title>{escape(title)}</title>",
            f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
            _text(16, 22, title, weight="bold"),
            *drawn,
            "</svg>\n",
        )
    )


def _bar(bar: Bar, top: int, scale: float) -> str:
    middle = top + ROW / 2
    low, median, high = (LABEL_WIDTH + value * scale for value in (bar.low, bar.median, bar.high))
    return "\n".join(
        (
            _text(LABEL_WIDTH - 10, middle + 4, bar.label, anchor="end"),
            _box(LABEL_WIDTH, top + 4, median - LABEL_WIDTH, fill=COLOURS[bar.group]),
            f'<path d="M{low:.1f} {middle}H{high:.1f}" stroke="{INK}" stroke-width="1.5"/>',
            _text(high + 8, middle + 4, f"{bar.median:,.0f}"),
        )
    )


def _box(x: float, y: float, width: float, *, fill: str) -> str:
    return f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{ROW - 8}" fill="{fill}"/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", weight: str = "normal") -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" text-anchor="{anchor}" font-weight="{weight}">'
        f"{escape(text)}</text>"
    )
