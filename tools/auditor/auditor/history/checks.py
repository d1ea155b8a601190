"""The questions that are asked of a history. Each gives its violations and names the operations that show it."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from auditor.history.effects import one_effect
from auditor.history.linearizability import Stuck, UndecidedError, not_linearizable
from auditor.history.models import OrderState, ProductState, order_step, product_step
from auditor.history.operation import COMMANDS, Action, Operation, Outcome
from auditor.history.stock import never_oversold
from auditor.history.streams import streamed
from auditor.history.violation import Violation, by_aggregate, said, version_of


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
    after = f"after {said(stuck.taken[-1])}" if stuck.taken else "at the beginning"
    return f"{after} none of these can have come next: {'; '.join(map(said, stuck.next))}"


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
                if newest is None or version_of(ended[position]) > version_of(newest):
                    newest = ended[position]
                position += 1
            if newest is not None and version_of(query) < version_of(newest):
                yield Violation(
                    check="monotonic-reads",
                    subject=aggregate,
                    detail=f"version {version_of(query) or 'none'} was shown after version {version_of(newest)}",
                    operations=(newest, query),
                )


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
                    detail=f"{said(earlier)}, but {said(operation)}",
                    operations=(earlier, operation),
                )


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
    Check("stream", "after its snapshot a stream tells each version once, in order, and none that is not there", streamed),
    Check("one-effect-per-key", "an Idempotency-Key has one effect and one answer", one_effect),
    Check("stock", "at no moment is more held and shipped than was received", never_oversold),
)  # fmt: skip
