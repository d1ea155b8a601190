"""The questions that are asked of a history. Each gives its violations and names the operations that show it."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from auditor.history.linearizability import Stuck, UndecidedError, not_linearizable
from auditor.history.models import OrderState, ProductState, order_step, product_step
from auditor.history.operation import COMMANDS, Action, Operation, Outcome, Seen

_HELD = ("CONFIRMED", "SHIPPED")


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


@dataclass(frozen=True, slots=True)
class Check:
    """A question and what it means."""

    name: str
    meaning: str
    ask: Callable[[Sequence[Operation]], Iterator[Violation]]


def examine_history(operations: Iterable[Operation]) -> tuple[Violation, ...]:
    """Ask every question. No violation is found in a history that the promises allow.

    Raises:
        UndecidedError: an aggregate has too many operations at once.
    """
    history = sorted(operations, key=lambda operation: (operation.invoked, operation.number))
    return tuple(chain.from_iterable(check.ask(history) for check in CHECKS))


def by_aggregate(history: Sequence[Operation]) -> Mapping[str, list[Operation]]:
    """The operations of each aggregate that is known by its id."""
    found: defaultdict[str, list[Operation]] = defaultdict(list)
    for operation in history:
        if operation.aggregate:
            found[operation.aggregate].append(operation)
    return found


def _linearizable(history: Sequence[Operation]) -> Iterator[Violation]:
    for aggregate, operations in by_aggregate(history).items():
        asked = [
            o
            for o in _once_each(operations)
            if o.action in COMMANDS or (o.action is Action.READ and o.outcome is not Outcome.UNKNOWN)
        ]
        if not any(o.action in (Action.PLACE, Action.REGISTER) for o in asked):
            continue  # made by somebody else: in which state it began is not known
        try:
            stuck = (
                not_linearizable(asked, first=OrderState(), step=order_step)
                if aggregate.startswith("orders:")
                else not_linearizable(asked, first=ProductState(), step=product_step)
            )
        except UndecidedError as error:
            raise UndecidedError(f"{aggregate}: {error}") from error
        if stuck is not None:
            yield Violation(
                check="linearizable",
                subject=aggregate,
                detail=_why_stuck(stuck),
                operations=(*stuck.taken[-6:], *stuck.next),
            )


def _once_each(operations: Iterable[Operation]) -> Iterator[Operation]:
    """A command repeated with its key is the same command."""
    known: set[tuple[Action, str]] = set()
    for operation in operations:
        name = (operation.action, operation.key or "")
        if operation.key is None or name not in known:
            known.add(name)
            yield operation


def _why_stuck(stuck: Stuck) -> str:
    after = f"after {_said(stuck.taken[-1])}" if stuck.taken else "at the beginning"
    return f"{after} none of these can have come next: {'; '.join(map(_said, stuck.next))}"


def _said(operation: Operation) -> str:
    seen = f" → {_shown(operation.seen)}" if operation.seen else f" → {operation.reason or operation.outcome}"
    return f"{operation.action} at {operation.where or '?'}{seen}"


def _shown(seen: Seen) -> str:
    return f"v{seen.version} {seen.status or f'{seen.price} c, {seen.available}+{seen.reserved}'}"


def _read_your_writes(history: Sequence[Operation]) -> Iterator[Violation]:
    for query in history:
        if query.action is not Action.QUERY or query.at_least is None:
            continue
        shown = query.seen.version if query.seen else 0
        if query.outcome is not Outcome.UNKNOWN and shown < query.at_least:
            yield Violation(
                check="read-your-writes",
                subject=query.aggregate,
                detail=f"asked for version {query.at_least}, was shown {shown or 'nothing'}",
                operations=(query,),
            )


def _monotonic(history: Sequence[Operation]) -> Iterator[Violation]:
    for aggregate, operations in by_aggregate(history).items():
        shown = [
            o
            for o in operations
            if o.seen is not None and o.action in (Action.QUERY, Action.TOLD, Action.FINAL)
        ]
        later = [
            o
            for o in operations
            if o.outcome is not Outcome.UNKNOWN and o.action in (Action.QUERY, Action.FINAL)
        ]
        ended = sorted(shown, key=lambda o: o.end)
        newest: Operation | None = None
        position = 0
        for query in later:  # by their beginnings
            while position < len(ended) and ended[position].end < query.invoked:
                if newest is None or _version(ended[position]) > _version(newest):
                    newest = ended[position]
                position += 1
            if newest is not None and _version(query) < _version(newest):
                yield Violation(
                    check="monotonic-reads",
                    subject=aggregate,
                    detail=f"version {_version(query) or 'none'} was shown after version {_version(newest)}",
                    operations=(newest, query),
                )


def _version(operation: Operation) -> int:
    return operation.seen.version if operation.seen else 0


def _agreeing(history: Sequence[Operation]) -> Iterator[Violation]:
    for aggregate, operations in by_aggregate(history).items():
        first: dict[int, Operation] = {}
        for operation in operations:
            if operation.seen is None:
                continue
            earlier = first.setdefault(operation.seen.version, operation)
            if earlier.seen != operation.seen:
                yield Violation(
                    check="one-state-per-version",
                    subject=aggregate,
                    detail=f"{_said(earlier)}, but {_said(operation)}",
                    operations=(earlier, operation),
                )


def _streamed(history: Sequence[Operation]) -> Iterator[Violation]:
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
            and _version(o) > (_version(self._last[aggregate]) if aggregate in self._last else 0)
        ]:
            for last, told in final_missing:
                yield self._violation(
                    last,
                    *([told] if told else []),
                    detail=f"version {_version(last)} was never told, the last was {_version(told) if told else 'none'}",
                )

    def _told(self, event: Operation) -> Iterator[Violation]:
        before = self._last.get(event.aggregate)
        told = _version(before) if before else 0
        known = event.aggregate in self._certain or self._snapshots <= 1
        others = [before] if before else []
        if _version(event) <= told:
            yield self._violation(
                event, *others, detail=f"version {_version(event)} was told after {told}: doubled"
            )
        elif known and _version(event) > told + 1:
            yield self._violation(
                event, *others, detail=f"version {_version(event)} was told after {told}: one is lost"
            )
        final = self._final.get(event.aggregate)
        if event.is_order and event.key not in self._placed:
            yield self._violation(event, detail="an order that nobody placed was told")
        elif final and _version(event) > _version(final):
            yield self._violation(
                event, final, detail=f"version {_version(event)} was told and is not there in the end"
            )
        self._note(event)

    def _note(self, event: Operation) -> None:
        self._certain.add(event.aggregate)
        last = self._last.get(event.aggregate)
        if last is None or _version(event) > _version(last):
            self._last[event.aggregate] = event

    def _violation(self, *operations: Operation, detail: str) -> Violation:
        ordered = tuple(sorted(operations, key=lambda o: o.invoked))
        return Violation(
            check="stream", subject=f"{operations[0].aggregate} at {self._name}", detail=detail, operations=ordered
        )  # fmt: skip


def _once(history: Sequence[Operation]) -> Iterator[Violation]:
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
                detail=f"repeated, it was answered {again.aggregate} instead of {answered[0].aggregate}, {_said(again)}",
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


def _never_oversold(history: Sequence[Operation]) -> Iterator[Violation]:
    """At no moment is more certainly held or shipped than can have been received.

    Goods are certainly held from the end of the first operation that saw their order CONFIRMED to the beginning of its
    cancellation, and for good once it was seen SHIPPED. Received is at most what every delivery begun so far has brought.
    """
    changes: defaultdict[str, list[tuple[float, int, Operation]]] = defaultdict(list)
    for operation in history:
        if operation.action in (Action.REGISTER, Action.RESTOCK) and operation.outcome is not Outcome.REFUSED:
            changes[operation.aggregate].append((operation.invoked, operation.quantity, operation))
    for aggregate, operations in by_aggregate(history).items():
        placed = next((o for o in operations if o.action is Action.PLACE and o.lines), None)
        if placed is None or not aggregate.startswith("orders:"):
            continue
        for product, quantity in placed.lines:
            if f"products:{product}" in changes:
                changes[f"products:{product}"] += _holding(operations, quantity)
    for product, moves in changes.items():
        yield from _oversold(product, moves)


def _holding(operations: Sequence[Operation], quantity: int) -> Iterator[tuple[float, int, Operation]]:
    held = [o for o in operations if o.seen is not None and o.seen.status in _HELD]
    if not held:
        return
    first = min(held, key=lambda o: o.end)
    shipped = any(o.seen is not None and o.seen.status == "SHIPPED" for o in held)
    given_back = [o for o in operations if o.action is Action.CANCEL and o.outcome is not Outcome.REFUSED] + [
        o for o in operations if o.seen is not None and o.seen.status == "CANCELLED"
    ]
    until = min(given_back, key=lambda o: o.invoked, default=None)
    if shipped or until is None:
        yield (first.end, -quantity, first)
    elif first.end < until.invoked:
        yield (first.end, -quantity, first)
        yield (until.invoked, quantity, until)


def _oversold(product: str, moves: Sequence[tuple[float, int, Operation]]) -> Iterator[Violation]:
    left = 0
    holders: list[Operation] = []
    for _at, quantity, operation in sorted(moves, key=lambda move: (move[0], -move[1])):
        left += quantity
        holders.append(operation)
        if left < 0:
            yield Violation(
                check="stock",
                subject=product,
                detail=f"{-left} more are held at once than were received",
                operations=tuple(holders[-12:]),
            )
            return


CHECKS = (
    Check(
        "linearizable",
        "commands on one aggregate take effect one after another, each between its beginning and its end; an instance "
        "shows every command that was answered before",
        _linearizable,
    ),
    Check("read-your-writes", "a query with a token shows at least that version, or nothing", _read_your_writes),
    Check("monotonic-reads", "what the read model has shown or told once, no later query lacks", _monotonic),
    Check("one-state-per-version", "whoever shows a version of an aggregate shows the same state", _agreeing),
    Check("stream", "after its snapshot a stream tells each version once, in order, and none that is not there", _streamed),
    Check("one-effect-per-key", "an Idempotency-Key has one effect and one answer", _once),
    Check("stock", "at no moment is more held and shipped than was received", _never_oversold),
)  # fmt: skip
