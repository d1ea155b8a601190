"""What the playground is asked for, and what it says of itself: one JSON object each way."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import httpx

from auditor import audit
from demo.chaos.nemesis import Nemesis
from demo.chaos.processes import Processes
from demo.chaos.run import Plan, run_plan
from demo.chaos.schedule import draw_schedule
from demo.planted_records import keep_planted_records, planted_records
from demo.playground.anomalies import NAMES, Anomalies
from demo.playground.errors import PlaygroundError
from demo.playground.faults import LINK_FAULTS, Switches, place_of, verbs_of
from demo.playground.letters import Place, replay
from demo.playground.parts import PartStates
from demo.playground.walk import Walk
from demo.playground.work import Work
from demo.playground.workers import Readers, Workers
from demo.playground_parts import SPARES
from demo.stack import Stack
from demo.supervisor.record import Record

QUIET_S = 10.0
"""So long an audit waits for the system to become quiet."""
CUSTOMERS = 4
MINUTES = (0.1, 10.0)
_SHOWN_FAILURES = 3

State = dict[str, Any]


@dataclass(slots=True, kw_only=True)
class Control:
    """Of the stack that runs. `do` is what a switch asks for, `state` what the page shows."""

    stack: Stack
    http: httpx.AsyncClient
    nemesis: Nemesis
    parts: PartStates
    switches: Switches
    workers: Workers
    readers: Readers
    work: Work
    anomalies: Anomalies
    looked_at: asyncio.Event = field(default_factory=asyncio.Event)
    _walk: Walk | None = None
    _schedule: State | None = None

    @classmethod
    def of(cls, stack: Stack, record: Record, http: httpx.AsyncClient) -> Self:
        """Build it; nothing is asked yet."""
        nemesis = Nemesis(system=Processes(stack=stack, record=record), planted=planted_records(stack.home))
        parts = PartStates(record)
        switches = Switches(
            nemesis=nemesis,
            parts=parts,
            owner_dsn=stack.read.owner_dsn,
            links=stack.links,
            planted=lambda: keep_planted_records(stack.home, nemesis.planted),
        )
        return cls(
            stack=stack, http=http, nemesis=nemesis, parts=parts, switches=switches,
            workers=Workers(parts, http), readers=Readers(stack.bootstrap), work=Work(), anomalies=Anomalies(stack),
        )  # fmt: skip

    async def state(self) -> State:
        """Everything that the page shows of it, now."""
        self.looked_at.set()
        parts = sorted(await self.parts.now(), key=lambda part: place_of(part.name))
        shown = [
            {"name": part.name, "state": part.state, "verbs": verbs}
            for part in parts
            if (verbs := verbs_of(part.name))
        ]
        names = {part.url.partition("://")[2]: part.name for part in parts if part.url}
        running = [part.name for part in parts if part.name in ("sink", *SPARES) and part.state != "stopped"]
        return {
            "open": True,
            "at_ms": round(time.time() * 1000),
            "parts": shown,
            "faults": self.switches.stack_faults,
            "links": await self.switches.link_states(),
            "link_faults": LINK_FAULTS,
            "failed": self.nemesis.failed[-_SHOWN_FAILURES:],
            "work": self.work.running,
            "results": self.work.results,
            "schedule": self._schedule,
            "walk": None if self._walk is None else {"at": self._walk.at},
            "anomalies": NAMES,
            "anomaly": self.anomalies.shown,
            "workers": {"running": running, "most": 1 + len(SPARES)},
            "readers": [
                each | {"worker": names.get(each["worker"], each["worker"])} for each in self.readers.found
            ],
        }

    async def do(self, asked: Mapping[str, Any]) -> None:
        """Do, or begin to do, what is asked for.

        Raises:
            PlaygroundError: it is not understood, or cannot be done now.
        """
        match dict(asked):
            case {"do": "walk-on"}:
                if self._walk is not None:
                    self._walk.next()
            case {"do": "end"}:
                self.work.interrupt()
            case {"do": "heal", "name": str(name)}:
                self.work.require_idle()
                await self.switches.heal(name)
            case {"do": "stop" | "pause" | "kill" as verb, "part": str(part)}:
                self.work.require_idle()
                await self.switches.throw(verb, part)
            case {"do": "break", "link": str(link), "fault": str(fault)}:
                self.work.require_idle()
                await self.switches.break_link(fault, link)
            case {"do": "fault", "name": str(name)}:
                self.work.require_idle()
                self.switches.throw_at_all(name)
            case more:
                self._begin(more)

    def _begin(self, asked: Mapping[str, Any]) -> None:
        """The longer pieces of work."""
        without_more = {
            "heal-all": self._heal_all,
            "audit": self._audit,
            "walk": self._take_a_walk,
            "add-worker": self.workers.add,
            "remove-worker": self.workers.remove,
        }
        match asked:
            case {"do": str(name)} if name in without_more:
                self.work.begin(name, without_more[name])
            case {"do": "anomaly", "name": str(name)}:
                self.work.begin("anomaly", lambda: self.anomalies.run(name))
            case {"do": "add-worker"}:
                self.work.begin("add-worker", self.workers.add)
            case {"do": "remove-worker"}:
                self.work.begin("remove-worker", self.workers.remove)
            case {"do": "replay", "connector": str(connector), "topic": str(topic),
                  "partition": int(partition), "offset": int(offset)}:  # fmt: skip
                place = Place(connector, topic, partition, offset)
                self.work.begin("replay", lambda: replay(self.stack, place))
            case {"do": "replay", "connector": str(connector)}:
                self.work.begin("replay", lambda: replay(self.stack, connector))
            case {"do": "schedule", "seed": int(seed), "minutes": int() | float() as minutes}:
                if not MINUTES[0] <= minutes <= MINUTES[1]:
                    raise PlaygroundError(
                        f"{minutes} minutes are not between {MINUTES[0]} and {MINUTES[1]:.0f}"
                    )
                self.work.begin("schedule", lambda: self._run_schedule(seed, minutes * 60.0))
            case _:
                raise PlaygroundError(f"not understood: {asked.get('do')!r}")

    async def _heal_all(self) -> State:
        await self.switches.heal_all()
        return {}

    async def _audit(self) -> State:
        report = await audit(self.stack.audited, planted=self.nemesis.planted, wait_s=QUIET_S)
        return report.as_json() | {"asked": report.asked}

    async def _take_a_walk(self) -> State:
        self._walk = Walk(
            nemesis=self.nemesis, parts=self.parts, http=self.http, sink_url=self.stack.sink_url,
            owner_dsn=self.stack.read.owner_dsn,
        )  # fmt: skip
        try:
            await self._walk.run()
        finally:
            self._walk = None
        return {}

    async def _run_schedule(self, seed: int, seconds: float) -> State:
        names = [part.name for part in await self.parts.now()]
        links = self.stack.links.names if self.stack.links else ()
        faults = draw_schedule(seed=seed, seconds=seconds, parts=names, links=links)
        self._schedule = {
            "seed": seed, "seconds": seconds, "began_ms": round(time.time() * 1000),
            "faults": [asdict(fault) for fault in faults],
        }  # fmt: skip
        try:
            verdict = await run_plan(
                Plan(seed=seed, seconds=seconds, schedule=faults, customers=CUSTOMERS),
                system=self.nemesis.system, planted=self.nemesis.planted,
            )  # fmt: skip
        finally:
            self._schedule = None
        return verdict.report.as_json() | {
            "asked": verdict.report.asked,
            "clean": verdict.clean,
            "seed": seed,
            "struck": len(faults),
            "operations": len(verdict.operations),
            "violations": [str(each) for each in verdict.violations],
        }
