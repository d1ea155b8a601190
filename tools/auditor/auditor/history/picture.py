"""A violation as a picture: who did what when, a line per process, what cannot be in red."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from auditor.history.operation import Action, Operation, Outcome
from auditor.history.violation import Violation, by_aggregate

_WIDTH, _LEFT, _LANE, _TOP, _BAR = 1000, 130, 34, 64, 18
_MOST = 60
_FILLS = {Outcome.OK: "#4c78a8", Outcome.REFUSED: "#9aa0a6", Outcome.UNKNOWN: "#e8b04b"}
_CULPRIT = "#d1242f"
_STYLE = (
    "text{font:12px system-ui,sans-serif;fill:#24292f}.small{font-size:10px}.title{font-weight:600}"
    "svg{background:#fff}"
)


def picture(violation: Violation, history: Sequence[Operation]) -> str:
    """SVG of the operations around a violation: its own, and what else was done to the same aggregates."""
    shown = _around(violation, history)
    began = min(o.invoked for o in shown)
    ended = max(o.invoked if o.completed is None else o.completed for o in shown)
    span = max(ended - began, 1e-3)
    lanes = {name: n for n, name in enumerate(dict.fromkeys(o.process for o in shown))}
    height = _TOP + _LANE * len(lanes) + 40
    culprits = {o.number for o in violation.operations}

    def x(at: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - 20) * (at - began) / span

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(str(violation))}</title><style>{_STYLE}</style>",
        f'<text class="title" x="10" y="20">{escape(f"{violation.check}: {violation.subject}")}</text>',
        f'<text x="10" y="40">{escape(violation.detail[:150])}</text>',
    ]
    for name, lane in lanes.items():
        y = _TOP + _LANE * lane
        parts.append(
            f'<text x="10" y="{y + 13}">{escape(name)}</text>'
            f'<line x1="{_LEFT}" x2="{_WIDTH - 20}" y1="{y + _BAR / 2}" y2="{y + _BAR / 2}" stroke="#d0d7de"/>'
        )
    parts += [
        _bar(o, x(o.invoked), x(_stops(o, ended)), _TOP + _LANE * lanes[o.process], culprit=o.number in culprits)
        for o in sorted(shown, key=lambda o: o.number in culprits)
    ]  # fmt: skip
    foot = f"{1000 * span:.0f} ms; red: cannot all be; amber: no answer; grey: refused"
    parts.append(f'<text class="small" x="{_LEFT}" y="{height - 12}">{foot}</text></svg>')
    return "\n".join(parts) + "\n"


def _around(violation: Violation, history: Sequence[Operation]) -> list[Operation]:
    """The violation's operations, filled up with those nearest in time on the same aggregates."""
    own = {o.number for o in violation.operations}
    grouped = by_aggregate(history)
    names = {o.aggregate for o in violation.operations if o.aggregate}
    middle = violation.operations[-1].invoked
    others = sorted(
        (o for name in names for o in grouped.get(name, ()) if o.number not in own),
        key=lambda o: abs(o.invoked - middle),
    )
    chosen = [*violation.operations[-_MOST:], *others[: max(0, _MOST - len(own))]]
    return sorted({o.number: o for o in chosen}.values(), key=lambda o: o.invoked)


def _stops(operation: Operation, ended: float) -> float:
    return ended if operation.completed is None else operation.completed


def _bar(operation: Operation, left: float, right: float, top: float, *, culprit: bool) -> str:
    words = escape(f"{operation.action} {_result(operation)}".strip())
    instant = operation.action in (Action.TOLD, Action.SNAPSHOT)
    colour = _CULPRIT if culprit else _FILLS[operation.outcome]
    return (
        f'<rect class="{"culprit" if culprit else "other"}" x="{left:.1f}" y="{top}" '
        f'width="{max(right - left, 3 if instant else 5):.1f}" height="{_BAR}" rx="3" fill="{colour}" '
        f'fill-opacity="0.75"><title>{words} ({escape(operation.where)})</title></rect>'
        + (
            f'<text class="small" x="{left:.1f}" y="{top - 2}">{words}</text>'
            if culprit or right - left > 60  # noqa: PLR2004  pixels that a label needs
            else ""
        )
    )


def _result(operation: Operation) -> str:
    if operation.seen is not None:
        return f"v{operation.seen.version} {operation.seen.status or operation.seen.available}"
    return operation.reason or str(operation.outcome)
