"""Whether an Idempotency-Key has one effect and one answer."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from auditor.history.operation import COMMANDS, Action, Operation, Outcome
from auditor.history.violation import Violation, said


def one_effect(history: Sequence[Operation]) -> Iterator[Violation]:
    """Keys with another answer when repeated, with two orders, or with an order that nobody was promised or that is lost."""
    commands: defaultdict[tuple[str, Action], list[Operation]] = defaultdict(list)
    effects: defaultdict[str, dict[str, Operation]] = defaultdict(dict)
    drained = any(o.action is Action.FINAL for o in history)
    for operation in history:
        if operation.key is None:
            continue
        if operation.action in COMMANDS:
            commands[operation.key, operation.action].append(operation)
        elif operation.is_order and operation.action is Action.FINAL:
            effects[operation.key][operation.aggregate] = operation
        elif operation.is_order and operation.action is Action.TOLD:
            effects[operation.key].setdefault(operation.aggregate, operation)
    for (key, action), same in commands.items():
        yield from _first_answer_stays(key, same)
        if action is Action.PLACE:
            yield from _one_order(key, same, effects[key], drained=drained)


def _first_answer_stays(key: str, same: Sequence[Operation]) -> Iterator[Violation]:
    answered = [o for o in same if o.outcome is Outcome.OK]
    for again in answered[1:]:
        if (again.aggregate, again.seen) != (answered[0].aggregate, answered[0].seen):
            yield Violation(
                check="one-effect-per-key",
                subject=key,
                detail=f"repeated, it was answered {again.aggregate} instead of {answered[0].aggregate}, {said(again)}",
                operations=(answered[0], again),
            )


def _one_order(
    key: str, same: Sequence[Operation], effects: Mapping[str, Operation], *, drained: bool
) -> Iterator[Violation]:
    answered = [o for o in same if o.outcome is Outcome.OK]
    found = {**effects, **{o.aggregate: o for o in answered if o.aggregate not in effects}}
    if len(found) > 1:
        yield Violation(
            check="one-effect-per-key",
            subject=key,
            detail=f"one key has {len(found)} orders: {', '.join(sorted(found))}",
            operations=(*same, *effects.values()),
        )
    if effects and all(o.outcome is Outcome.REFUSED for o in same):
        yield Violation(
            check="one-effect-per-key",
            subject=key,
            detail=f"it was refused ({same[-1].reason}), and its order is there",
            operations=(*same, *effects.values()),
        )
    ended = {name for name, o in effects.items() if o.action is Action.FINAL}
    if drained and answered and answered[0].aggregate not in ended:
        yield Violation(
            check="one-effect-per-key",
            subject=key,
            detail=f"it was acknowledged, and {answered[0].aggregate} is not there in the end",
            operations=tuple(answered),
        )
