"""Is there an order of the operations, each at a moment between its beginning and its end, that the model allows?

The search of Wing and Gong with the memory of Lowe, as Porcupine has it: take any operation that began before the first
end of those not yet taken, step the model, go on; come back when there is none; never search the same place twice. The
model may do things of its own between two operations: it gives the set of states that are possible.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from auditor.history.operation import Operation, Outcome

State = TypeVar("State", bound=Hashable)
Step = Callable[[State, Operation], Iterator[State]]
"""The states in which an operation can leave the one before it; none where it cannot have happened there."""

MOST_PLACES = 200_000
"""So many places are searched before the search says that it does not know."""


class UndecidedError(RuntimeError):
    """The history of one aggregate has too many operations at once to be searched."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """No order exists. `taken` is the longest beginning of one, `next` what could not follow it."""

    taken: tuple[Operation, ...]
    next: tuple[Operation, ...]


def not_linearizable(
    operations: Sequence[Operation], *, first: State, step: Step[State], most_places: int = MOST_PLACES
) -> Stuck | None:
    """None if the operations of one aggregate are linearizable, starting in the state `first`.

    Raises:
        UndecidedError: it is not decided after `most_places`.
    """
    search = _Search(sorted(operations, key=lambda o: o.invoked), step)
    return search.run(frozenset({first}), most_places=most_places)


class _Search:
    def __init__(self, operations: Sequence[Operation], step: Callable[..., Iterator[Hashable]]) -> None:
        self._operations = operations
        self._step = step
        # What was not answered may never have happened: it need not be taken.
        self._needed = sum(1 << n for n, o in enumerate(operations) if o.outcome is not Outcome.UNKNOWN)
        self._optional = [n for n, o in enumerate(operations) if o.outcome is Outcome.UNKNOWN]
        self._certain = [n for n, o in enumerate(operations) if o.outcome is not Outcome.UNKNOWN]

    def run(self, first: frozenset[Hashable], *, most_places: int) -> Stuck | None:
        longest: list[int] = []
        path: list[int] = []
        visited = {(0, first)}
        pending = [(0, first, self._next(0))]
        while pending:
            taken, states, candidates = pending[-1]
            if taken & self._needed == self._needed:
                return None
            for number in candidates:
                place = (
                    taken | 1 << number,
                    frozenset(
                        after for state in states for after in self._step(state, self._operations[number])
                    ),
                )
                if place[1] and place not in visited:
                    visited.add(place)
                    if len(visited) > most_places:
                        raise UndecidedError(f"undecided after {most_places} places")
                    path.append(number)
                    pending.append((*place, self._next(place[0])))
                    if len(path) > len(longest):
                        longest = list(path)
                    break
            else:
                pending.pop()
                if path:
                    path.pop()
        done = sum(1 << number for number in longest)
        return Stuck(
            taken=tuple(self._operations[number] for number in longest),
            next=tuple(self._operations[number] for number in self._next(done)),
        )

    def _next(self, taken: int) -> Iterator[int]:
        """Operations that may come next: those begun before the first end among what has to be taken."""
        first_end = float("inf")
        found: list[int] = []
        for number in self._certain:
            if taken >> number & 1:
                continue
            operation = self._operations[number]
            if operation.invoked > first_end:
                break
            first_end = min(first_end, operation.end)
            found.append(number)
        found = [number for number in found if self._operations[number].invoked <= first_end]
        found += [
            number
            for number in self._optional
            if not taken >> number & 1 and self._operations[number].invoked <= first_end
        ]
        return iter(found)
