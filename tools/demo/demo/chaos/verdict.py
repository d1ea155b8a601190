"""What a run amounts to: what the auditor and the history's checks found, and how soon each fault was over."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import msgspec

from auditor import Command, Report, canonical
from auditor.history.checks import CHECKS
from auditor.history.operation import Action, Operation, Outcome, write_history
from auditor.history.picture import picture
from auditor.history.violation import Violation
from demo.chaos.schedule import Fault
from devservers.private_files import private_directory

_OUTCOMES = {Outcome.OK: "ok", Outcome.REFUSED: "failed", Outcome.UNKNOWN: "unknown"}
_MOST_PICTURES = 20


def journal(operations: Sequence[Operation]) -> list[Command]:
    """The orders of a history as the auditor takes them: one for each key."""
    first: dict[str, Operation] = {}
    for operation in operations:
        if operation.action is Action.PLACE and operation.key:
            kept = first.get(operation.key)
            if kept is None or (kept.outcome is not Outcome.OK and operation.outcome is Outcome.OK):
                first[operation.key] = operation
    return [
        Command(
            operation.number,
            _OUTCOMES[operation.outcome],
            operation.aggregate.removeprefix("orders:") or None,
            key,
            canonical(operation.lines),
        )
        for key, operation in first.items()
    ]


def healing(schedule: Sequence[Fault], operations: Sequence[Operation]) -> list[tuple[Fault, float | None]]:
    """Seconds from the end of each fault until the stream told of an order that was placed after the fault began.

    Of a fault of an order instance, or of its link: an order of that instance. None: nothing was placed or told any more.
    """
    placed = {o.key: o.invoked for o in operations if o.action is Action.PLACE and o.outcome is Outcome.OK}
    told = sorted(
        (o.invoked, o.aggregate, placed[o.key])
        for o in operations
        if o.action is Action.TOLD and o.key in placed and o.seen is not None and o.seen.version == 1
    )
    return [
        (
            fault,
            next(
                (
                    round(max(0.0, at - fault.until_s), 3)
                    for at, aggregate, began in told
                    if began >= fault.at_s and at >= fault.until_s
                    and (not fault.part.startswith("order-") or aggregate.startswith(f"orders:{fault.part.partition(':')[0]}-"))
                ),
                None,
            ),
        )
        for fault in schedule
    ]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Clean when nothing was found and every part is ready again."""

    seed: int
    seconds: float
    schedule: tuple[Fault, ...]
    operations: tuple[Operation, ...]
    report: Report
    violations: tuple[Violation, ...]
    failed: tuple[str, ...] = ()

    @property
    def clean(self) -> bool:
        """Whether every promise was kept."""
        return self.report.clean and not self.violations

    def counts(self) -> Mapping[str, Counter[str]]:
        """Outcomes of each action."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for operation in self.operations:
            found[operation.action][operation.outcome] += 1
        return found

    def as_json(self) -> dict[str, Any]:
        """For machines and for `docs/faults.md`; times in seconds."""
        heal: defaultdict[str, list[float]] = defaultdict(list)
        for fault, seconds in healing(self.schedule, self.operations):
            if seconds is not None:
                heal[fault.kind].append(seconds)
        faults = Counter(fault.kind for fault in self.schedule)
        return {
            "seed": self.seed,
            "seconds": self.seconds,
            "clean": self.clean,
            "operations": len(self.operations),
            "counts": {action: dict(counts) for action, counts in self.counts().items()},
            "faults": {
                kind: {"struck": struck, "heal_s": sorted(heal[kind])} for kind, struck in sorted(faults.items())
            },
            "not_carried_out": list(self.failed),
            "findings": [str(finding) for finding in self.report.findings],
            "violations": [str(violation) for violation in self.violations],
        }  # fmt: skip

    def __str__(self) -> str:
        """For a person."""
        lines = [f"seed {self.seed}: {len(self.schedule)} faults in {self.seconds:.0f} s"]
        for action, outcomes in sorted(self.counts().items()):
            told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
            lines.append(f"    {action:<10}{told}")
        lines.append("from the end of a fault to the next visible order placed after its beginning:")
        for kind, what in self.as_json()["faults"].items():
            times = what["heal_s"]
            said = (
                f"median {median(times):5.2f} s, longest {times[-1]:5.2f} s"
                if times
                else "nothing to measure"
            )
            lines.append(f"    {kind:<18}{what['struck']:>3} times   {said}")
        lines += [f"    not carried out: {line}" for line in self.failed]
        lines.append(
            f"auditor: {'clean' if self.report.clean else 'VIOLATIONS'}, {self.report.asked} questions"
        )
        lines += [str(finding) for finding in self.report.findings]
        lines.append(
            f"history: {'clean' if not self.violations else 'VIOLATIONS'}, {len(CHECKS)} checks of "
            f"{len(self.operations)} operations"
        )
        lines += [str(violation) for violation in self.violations]
        return "\n".join(lines)

    def write(self, folder: Path) -> None:
        """Leave history, schedule, result and the pictures of violations in `folder`."""
        private_directory(folder)
        write_history(folder / "history.jsonl", self.operations)
        (folder / "schedule.txt").write_text("".join(f"{fault}\n" for fault in self.schedule))
        (folder / "result.json").write_bytes(
            msgspec.json.format(msgspec.json.encode(self.as_json()), indent=1)
        )
        for number, violation in enumerate(self.violations[:_MOST_PICTURES], start=1):
            name = f"violation-{number:02}-{violation.check}.svg"
            (folder / name).write_text(picture(violation, self.operations))
