"""Whether streams tell what they ought to: after a snapshot each version once and in order, to the last one."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from auditor.history.operation import Action, Operation
from auditor.history.violation import Violation, version_of


def streamed(history: Sequence[Operation]) -> Iterator[Violation]:
    """What any listener was told twice, out of order or not at all."""
    listeners: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in history:
        if operation.action in (Action.SNAPSHOT, Action.TOLD):
            listeners[operation.process].append(operation)
    final = {o.aggregate: o for o in history if o.action is Action.FINAL and o.seen is not None}
    placed = {o.key for o in history if o.action is Action.PLACE}
    for listener, events in listeners.items():
        yield from _Listener(listener, final, placed).hears(events)


class _Listener:
    """One stream, as it ought to be told: after a snapshot each version once and in order, to the last one."""

    def __init__(self, name: str, final: Mapping[str, Operation], placed: set[str | None]) -> None:
        self._name = name
        self._final = final
        self._placed = placed
        self._last: dict[str, Operation] = {}
        self._certain: set[str] = set()
        self._snapshots = 0

    def hears(self, events: Sequence[Operation]) -> Iterator[Violation]:
        reported: set[str] = set()
        for event in events:
            if event.action is Action.TOLD:
                for violation in self._told(event):
                    if event.aggregate not in reported:  # what goes wrong once goes on
                        yield violation
                    reported.add(event.aggregate)
            elif event.aggregate:
                self._note(event)
            else:
                self._snapshots += 1
                self._certain.clear()
        if final_missing := [
            (o, self._last.get(aggregate))
            for aggregate, o in self._final.items()
            if (aggregate in self._certain or self._snapshots <= 1)
            and version_of(o) > (version_of(self._last[aggregate]) if aggregate in self._last else 0)
        ]:
            for last, told in final_missing:
                yield self._violation(
                    last,
                    *([told] if told else []),
                    detail=f"version {version_of(last)} was never told, the last was {version_of(told) if told else 'none'}",
                )

    def _told(self, event: Operation) -> Iterator[Violation]:
        before = self._last.get(event.aggregate)
        told = version_of(before) if before else 0
        known = event.aggregate in self._certain or self._snapshots <= 1
        others = [before] if before else []
        if version_of(event) <= told:
            yield self._violation(
                event, *others, detail=f"version {version_of(event)} was told after {told}: doubled"
            )
        elif known and version_of(event) > told + 1:
            yield self._violation(
                event, *others, detail=f"version {version_of(event)} was told after {told}: one is lost"
            )
        final = self._final.get(event.aggregate)
        if event.is_order and event.key not in self._placed:
            yield self._violation(event, detail="an order that nobody placed was told")
        elif final and version_of(event) > version_of(final):
            yield self._violation(
                event, final, detail=f"version {version_of(event)} was told and is not there in the end"
            )
        self._note(event)

    def _note(self, event: Operation) -> None:
        self._certain.add(event.aggregate)
        last = self._last.get(event.aggregate)
        if last is None or version_of(event) > version_of(last):
            self._last[event.aggregate] = event

    def _violation(self, *operations: Operation, detail: str) -> Violation:
        ordered = tuple(sorted(operations, key=lambda o: o.invoked))
        return Violation(
            check="stream", subject=f"{operations[0].aggregate} at {self._name}", detail=detail, operations=ordered
        )  # fmt: skip
