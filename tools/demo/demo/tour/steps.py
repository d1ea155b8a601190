"""The steps as they are written down."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the tour; what its fields mean stands at the top of `steps.toml`."""

    title: str
    why: str
    run: str
    notice: str
    expect: tuple[str, ...]
    undo: str = ""


def steps() -> tuple[Step, ...]:
    """All of them, in order."""
    written = tomllib.loads(files(__package__).joinpath("steps.toml").read_text(encoding="utf-8"))
    return tuple(
        Step(**{**step, "run": step["run"].strip(), "expect": tuple(step["expect"])})
        for step in written["step"]
    )
