"""What a history shows that must not be, and how its operations are told."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from auditor.history.operation import Operation, Seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """`check` names the question; `operations` are those that cannot all be, in the order of their beginnings."""

    check: str
    subject: str
    detail: str
    operations: tuple[Operation, ...]

    def __str__(self) -> str:
        """One line."""
        return f"{self.check} {self.subject}: {self.detail}"


def by_aggregate(history: Sequence[Operation]) -> Mapping[str, list[Operation]]:
    """The operations of each aggregate that is known by its id."""
    found: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in history:
        if operation.aggregate:
            found[operation.aggregate].append(operation)
    return found


def said(operation: Operation) -> str:
    """What was done and what came of it, in a few words."""
    seen = f" → {_shown(operation.seen)}" if operation.seen else f" → {operation.reason or operation.outcome}"
    return f"{operation.action} at {operation.where or '?'}{seen}"


def _shown(seen: Seen) -> str:
    return f"v{seen.version} {seen.status or f'{seen.price} c, {seen.available}+{seen.reserved}'}"


def version_of(operation: Operation) -> int:
    """The version that was seen; 0 for none."""
    return operation.seen.version if operation.seen else 0
