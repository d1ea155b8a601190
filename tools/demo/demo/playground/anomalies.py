"""Wrong designs beside the right ones, on the page."""

from dataclasses import asdict, dataclass, field
from typing import Any

from demo.anomalies.runs import run_design
from demo.anomalies.scenarios import ANOMALIES, BY_NAME
from demo.playground.errors import PlaygroundError
from demo.stack import Stack

NAMES = tuple(anomaly.name for anomaly in ANOMALIES)


@dataclass(slots=True, kw_only=True)
class ShownDesign:
    """What has happened so far: `lines` one after the other, `caught` what the checks found, None before they were asked."""

    is_wrong: bool
    lines: list[str] = field(default_factory=list)
    caught: list[str] | None = None


@dataclass(slots=True)
class Anomalies:
    """The anomaly that was run last, or runs."""

    stack: Stack
    name: str = ""
    designs: list[ShownDesign] = field(default_factory=list)

    @property
    def shown(self) -> dict[str, Any] | None:
        """{name, designs: [{is_wrong, lines, caught}]}, the wrong one first; None before the first run."""
        return {"name": self.name, "designs": [asdict(each) for each in self.designs]} if self.name else None

    async def run(self, name: str) -> dict[str, Any]:
        """Run both designs of an anomaly; `shown` follows. Raises `PlaygroundError` for a name that there is not."""
        if name not in BY_NAME:
            raise PlaygroundError(f"no anomaly is called {name!r}")
        self.name, self.designs = name, []
        for is_wrong in (True, False):
            design = ShownDesign(is_wrong=is_wrong)
            self.designs.append(design)
            found = await run_design(
                BY_NAME[name],
                self.stack,
                is_wrong=is_wrong,
                noted=design.lines.append,
                told=design.lines.append,
            )
            design.caught = [str(each) for each in found.violations]
        return {}
