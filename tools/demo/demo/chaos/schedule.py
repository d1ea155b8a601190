"""Which fault strikes when: drawn from a seed, the same each time."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of fault. `parts` are the beginnings of the names of the parts it may hit; none for the stack as a whole.

    One that has a `link` hits links instead, of a playground alone, with the fault of that name (`devservers.links`). It lasts between the two lengths in seconds, or is over at once (0, 0) and the supervisor or a client mends it.
    """

    name: str
    meaning: str
    parts: tuple[str, ...] = ()
    lasts_s: tuple[float, float] = (0.0, 0.0)
    link: str = ""
    lasting_mark: bool = False
    """It leaves something behind that later audits speak of, so it is drawn only when it is named."""


KINDS = (
    Kind(name="kill-broker", meaning="SIGKILL of a broker", parts=("kafka-",)),
    Kind(name="pause-broker", meaning="SIGSTOP of a broker: half-open connections", parts=("kafka-",), lasts_s=(1, 10)),
    Kind(name="stop-broker", meaning="a broker is stopped in order, and away", parts=("kafka-",), lasts_s=(2, 8)),
    Kind(name="kill-sink", meaning="SIGKILL of the sink", parts=("sink",)),
    Kind(name="pause-sink", meaning="SIGSTOP of the sink", parts=("sink",), lasts_s=(1, 8)),
    Kind(name="kill-instance", meaning="SIGKILL of an order instance and its relay", parts=("order-",)),
    Kind(name="pause-instance", meaning="SIGSTOP of an order instance", parts=("order-",), lasts_s=(1, 6)),
    Kind(name="stop-instance", meaning="an order instance is stopped in order, and away", parts=("order-",), lasts_s=(1, 6)),
    Kind(name="kill-catalog", meaning="SIGKILL of the catalog", parts=("catalog",)),
    Kind(name="kill-database", meaning="SIGKILL of the read database", parts=("postgres", "read-db")),
    Kind(name="stop-database", meaning="the read database is stopped in order, and away", parts=("postgres", "read-db"), lasts_s=(1, 8)),
    Kind(name="cut-connections", meaning="every connection to the read database is cut (`pg_terminate_backend`)"),
    Kind(name="lock-table", meaning="the read table of orders is locked: a database that does not answer in time", lasts_s=(1, 6)),
    Kind(name="cut-link", link="cut", meaning="a link is cut: its connections end, new ones are refused", lasts_s=(1, 8)),
    Kind(name="hold-link", link="hold", meaning="nothing passes a link, either way; what was sent arrives afterwards", lasts_s=(1, 8)),
    Kind(name="hold-requests", link="hold-requests", meaning="a link is held one way: towards the server", lasts_s=(1, 8)),
    Kind(name="hold-answers", link="hold-answers", meaning="a link is held one way: towards the client", lasts_s=(1, 8)),
    Kind(name="slow-link", link="slow", meaning="a link is slow, by 0.1 to 0.4 s for each piece of data", lasts_s=(2, 8)),
    Kind(name="reset-link", link="reset", meaning="a link's connections are reset in mid-answer", lasts_s=(1, 5)),
    Kind(name="poison", meaning="a record that is no JSON in the topic of orders; it stays there", lasting_mark=True),
)  # fmt: skip
DEFAULT = tuple(kind.name for kind in KINDS if not kind.lasting_mark and not kind.link)
LINK_FAULTS = tuple(kind.name for kind in KINDS if kind.link)
"""Drawn as well where there are links."""
BY_NAME = {kind.name: kind for kind in KINDS}
_PAUSE_S = (0.5, 5.0)
_QUIET_S = 2.0
_MOST_BROKERS_AWAY = 2
_BROKER_BACK_S = 10.0
"""A broker that was killed or stopped counts as away for so much longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: begins `at_s` seconds after the load, on `part`, or link, (empty: the stack), for `lasts_s`."""

    at_s: float
    kind: str
    part: str = ""
    lasts_s: float = 0.0

    @property
    def until_s(self) -> float:
        """When it is taken back."""
        return self.at_s + self.lasts_s

    def __str__(self) -> str:
        """As it is shown and logged."""
        lasts = f" for {self.lasts_s:.1f} s" if self.lasts_s else ""
        return f"{self.at_s:6.1f} s  {self.kind}{f' {self.part}' if self.part else ''}{lasts}"


def draw_schedule(
    *,
    seed: int,
    seconds: float,
    parts: Sequence[str],
    links: Sequence[str] = (),
    kinds: Sequence[str] | None = None,
) -> tuple[Fault, ...]:
    """Faults in the order of their beginnings, all over before `seconds`. The same arguments give the same schedule.

    Without `kinds` they are all those that leave no mark, of links where there are any. A part has one fault at a time; faults of different parts overlap. At most two of the brokers are away at once.

    Raises:
        ValueError: a kind is unknown or has no part to hit.
    """
    dice = random.Random(seed)  # noqa: S311  dice, no secret
    chosen = kinds if kinds is not None else (*DEFAULT, *(LINK_FAULTS if links else ()))
    candidates = [candidate(name, parts=parts, links=links) for name in dict.fromkeys(chosen)]
    faults: list[Fault] = []
    at_s = _QUIET_S
    while at_s < seconds - _QUIET_S:
        kind, targets = dice.choice(candidates)
        fault = Fault(
            at_s=round(at_s, 2),
            kind=kind.name,
            part=dice.choice(targets),
            lasts_s=round(min(dice.uniform(*kind.lasts_s), seconds - _QUIET_S - at_s), 2),
        )
        if _fits(fault, faults):
            faults.append(fault)
        at_s += dice.uniform(*_PAUSE_S)
    return tuple(faults)


def candidate(name: str, *, parts: Sequence[str], links: Sequence[str] = ()) -> tuple[Kind, list[str]]:
    """A kind and what it may hit, in order.

    Raises:
        ValueError: it is unknown or has nothing to hit.
    """
    kind = BY_NAME.get(name)
    if kind is None:
        raise ValueError(f"no fault is called {name!r}; there are {', '.join(BY_NAME)}")
    if kind.link:
        if not links:
            raise ValueError(f"{name} needs links: bring the stack up with `./demo up --playground`")
        return kind, sorted(links)
    if not kind.parts:
        return kind, [""]
    found = sorted(part for part in parts if part.startswith(kind.parts))
    if not found:
        raise ValueError(f"{name} hits nothing here: no part is called {' or '.join(kind.parts)}…")
    return kind, found


def _fits(fault: Fault, others: Sequence[Fault]) -> bool:
    now = [other for other in others if other.until_s + _PAUSE_S[0] > fault.at_s]
    if fault.part.startswith("kafka-"):
        away = {
            o.part for o in others if o.part.startswith("kafka-") and o.until_s + _BROKER_BACK_S > fault.at_s
        }
        if len(away | {fault.part}) > _MOST_BROKERS_AWAY:
            return False
    return all(
        (other.part, other.part or other.kind) != (fault.part, fault.part or fault.kind) for other in now
    )
