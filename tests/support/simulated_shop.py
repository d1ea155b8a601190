"""A shop that keeps every promise, in virtual time: its histories are what the checks must find nothing in."""

import heapq
import random
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from itertools import count

import msgspec

from auditor.history.operation import Action, Operation, Outcome, Seen

PRODUCTS = ("tea", "coffee")
STOCK = 12
EFFECT_S = 0.1


class SimulatedShop:
    """Commands take effect in a moment between invocation and completion; the read model follows a little later."""

    def __init__(self, seed: int, *, clients: int = 4, steps: int = 25) -> None:
        self._dice = random.Random(seed)  # noqa: S311  dice, no secret
        self._now = 0.0
        self._ids = count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._state: dict[str, dict[str, int | str]] = {}
        self._of_key: dict[str, Operation] = {}
        self._lines: dict[str, tuple[str, int]] = {}
        self._log: list[tuple[float, str, Seen]] = []
        self._visible_at = 0.0
        self._known: defaultdict[str, list[str]] = defaultdict(list)
        self.history: list[Operation] = []
        for name in PRODUCTS:
            self._do("shop", Action.REGISTER, f"products:{name}", quantity=STOCK, price=5)
        for number in range(clients):
            # By then the products are registered.
            self._later(1.0, partial(self._act, f"client-{number}", steps), least=EFFECT_S)

    def run(self) -> list[Operation]:
        self._record("listener", Action.SNAPSHOT, completed=0.0, outcome=Outcome.OK)
        while self._agenda:
            self._now, _, act = heapq.heappop(self._agenda)
            act()
        self._now = max(self._now, self._visible_at) + 1
        for aggregate, state in self._state.items():
            self._record(
                "judge", Action.FINAL, aggregate=aggregate, seen=_seen(state), completed=self._now + 0.1,
                outcome=Outcome.OK, key=self._key_of(aggregate),
            )  # fmt: skip
        for at, aggregate, seen in self._log:
            self._record(
                "listener", Action.TOLD, aggregate=aggregate, seen=seen, invoked=at, completed=at,
                outcome=Outcome.OK, key=self._key_of(aggregate),
            )  # fmt: skip
        return self.history

    def _key_of(self, aggregate: str) -> str | None:
        return next((key for key, o in self._of_key.items() if o.aggregate == aggregate), None)

    def _later(self, most: float, act: Callable[[], None], *, least: float = 0.0) -> None:
        wait = max(self._dice.uniform(0, most), least)
        heapq.heappush(self._agenda, (self._now + wait, next(self._ids), act))

    def _record(self, process: str, action: Action, *, invoked: float | None = None, **known: object) -> None:
        at = self._now if invoked is None else invoked
        operation = {"number": len(self.history), "process": process, "action": action, "invoked": at}
        self.history.append(Operation(**operation, **known))  # type: ignore[arg-type]

    def _act(self, client: str, left: int) -> None:
        if left <= 0:
            return
        known = self._known[client]
        wish = self._dice.random()
        if not known or wish < 0.3:
            key = f"{client}-{left}"
            line = (self._dice.choice(PRODUCTS), self._dice.randint(1, 3))
            self._do(client, Action.PLACE, f"orders:{key}", key=key, lines=(line,), left=left)
        elif wish < 0.4:
            name = f"products:{self._dice.choice(PRODUCTS)}"
            self._do(
                client,
                Action.RESTOCK,
                name,
                quantity=self._dice.randint(1, 2),
                key=f"k{left}{client}",
                left=left,
            )
        elif wish < 0.45:
            self._do(
                client,
                Action.REPRICE,
                f"products:{self._dice.choice(PRODUCTS)}",
                price=self._dice.randint(1, 9),
                left=left,
            )
        else:
            action = self._dice.choice([Action.CANCEL, Action.SHIP, Action.READ, Action.QUERY, Action.QUERY])
            order = self._dice.choice(known)
            if action is Action.QUERY and self._dice.random() < 0.5:
                self._do(client, action, order, left=left, at_least=int(self._state[order]["version"]))
            else:
                self._do(client, action, order, left=left)

    def _do(self, client: str, action: Action, aggregate: str, *, left: int = 0, **known: object) -> None:
        invoked = self._now
        lost = client != "shop" and action not in (Action.READ, Action.QUERY) and self._dice.random() < 0.08
        happens = not lost or self._dice.random() < 0.5

        def effect() -> None:
            answer = self._effect(action, aggregate, known) if happens else {}
            self._later(0.05, lambda: complete(answer))

        def complete(answer: dict[str, object]) -> None:
            ended = {"outcome": Outcome.UNKNOWN} if lost else {"completed": self._now, **answer}
            name = "" if lost and action is Action.PLACE else aggregate
            self._record(client, action, invoked=invoked, aggregate=name, **known, **ended)
            if not lost and action is Action.PLACE:
                self._known[client].append(aggregate)
            self._later(0.1, lambda: self._act(client, left - 1))

        self._later(EFFECT_S, effect)

    def _effect(self, action: Action, aggregate: str, known: dict[str, object]) -> dict[str, object]:
        if action is Action.QUERY:
            return self._query(aggregate, known)
        state = self._state.setdefault(aggregate, {"version": 0})
        if action is Action.PLACE:
            self._commit(aggregate, status="PENDING")
            line = known["lines"][0]  # type: ignore[index]
            self._lines[aggregate] = line
            self._of_key[str(known["key"])] = Operation(
                number=0, process="", action=action, invoked=0, aggregate=aggregate
            )
            self._later(0.2, lambda: self._decide(aggregate))
        elif action is Action.REGISTER:
            self._commit(aggregate, price=5, available=STOCK, reserved=0)
        elif action is Action.RESTOCK:
            self._commit(aggregate, available=int(state["available"]) + int(known["quantity"]))  # type: ignore[call-overload]
        elif action is Action.REPRICE:
            self._commit(aggregate, price=int(known["price"]))  # type: ignore[call-overload]
        elif action in (Action.CANCEL, Action.SHIP):
            allowed = ("CONFIRMED",) if action is Action.SHIP else ("PENDING", "CONFIRMED")
            if state["status"] not in allowed:
                return {"outcome": Outcome.REFUSED, "reason": "illegal-transition"}
            self._settle(aggregate, action, was=str(state["status"]))
            self._commit(aggregate, status="SHIPPED" if action is Action.SHIP else "CANCELLED")
        return {"outcome": Outcome.OK, "seen": _seen(self._state[aggregate])}

    def _decide(self, order: str) -> None:
        if self._state[order]["status"] != "PENDING":
            return
        product, quantity = self._lines[order]
        stock = self._state[f"products:{product}"]
        left = int(stock["available"]) - quantity
        if left < 0:
            self._commit(order, status="REJECTED")
            return
        self._commit(f"products:{product}", available=left, reserved=int(stock["reserved"]) + quantity)
        self._commit(order, status="CONFIRMED")

    def _settle(self, order: str, action: Action, *, was: str) -> None:
        if was != "CONFIRMED":
            return
        product, quantity = self._lines[order]
        stock = self._state[f"products:{product}"]
        back = quantity if action is Action.CANCEL else 0
        self._commit(
            f"products:{product}",
            available=int(stock["available"]) + back,
            reserved=int(stock["reserved"]) - quantity,
        )

    def _commit(self, aggregate: str, **changed: int | str) -> None:
        state = self._state.setdefault(aggregate, {"version": 0})
        state.update(changed, version=int(state["version"]) + 1)
        self._visible_at = max(self._visible_at, self._now + self._dice.uniform(0.001, 0.3))
        self._log.append((self._visible_at, aggregate, _seen(state)))

    def _query(self, aggregate: str, known: dict[str, object]) -> dict[str, object]:
        rows = [seen for at, name, seen in self._log if name == aggregate and at <= self._now]
        if known.get("at_least") and (not rows or rows[-1].version < int(str(known["at_least"]))):
            return {"outcome": Outcome.UNKNOWN, "reason": "not-yet-visible"}
        if not rows:
            return {"outcome": Outcome.REFUSED, "reason": "unknown-order"}
        return {"outcome": Outcome.OK, "seen": rows[-1]}


def _seen(state: dict[str, int | str]) -> Seen:
    return msgspec.convert(state, Seen)
