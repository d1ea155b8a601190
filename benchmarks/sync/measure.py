"""The figures of the whole system on this machine: time to ready, memory, commit → visible, the highest rate it keeps.

    .venv/bin/python -m benchmarks.sync.measure [--cold]

starts a stack of its own (another home, other ports), measures, checks the result with `./demo audit`, takes the stack
down and writes `results/<day>.json` beside this file; `python -m benchmarks.figures` puts it into the documents. Run it on
a machine that has nothing else to do. `--cold` also starts a fresh clone with empty caches: it downloads everything.
"""

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results")
PORT_OFFSET = "21000"  # the highest stays below the ports of outgoing connections
RUNS = 5
SECONDS = 30
RATES = (10, 100)  # orders per second
LADDER = (125, 150, 175, 200, 250, 300, 350, 400)  # rates tried one after the other, each for a minute
LADDER_S = 60
MOST_P99_MS = 500.0
KEPT_PACE = 0.98  # of the rate asked for: what sends less has not sent at this rate
UP_TIMEOUT_S = 900


class MeasureError(RuntimeError):
    """A command of the stack failed; what it printed is the message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Demo:
    """`./demo` of a checkout, on a home of its own."""

    checkout: Path
    home: Path
    environment: dict[str, str]

    def run(self, *words: str) -> str:
        """Run a subcommand, give what it printed. Raises MeasureError."""
        done = subprocess.run(
            [self.checkout / "demo", *words],
            env=self.environment | {"DEMO_HOME": str(self.home), "DEMO_PORT_OFFSET": PORT_OFFSET},
            capture_output=True, text=True, timeout=UP_TIMEOUT_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise MeasureError(
                f"./demo {' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def timed_up(self) -> float:
        """Seconds until `up` returns, which is when everything is ready."""
        start = time.monotonic()
        self.run("up")
        return round(time.monotonic() - start, 1)

    def load(self, *, orders: int, rate: int) -> dict[str, Any]:
        """The summary of a load, which has ended when every order is visible."""
        words = ("--orders", str(orders), "--rate", str(rate))
        summary: dict[str, Any] = json.loads(self.run("load", *words, "--json"))
        return summary

    def memory_mb(self) -> int:
        """What all parts and the supervisor hold resident."""
        status = json.loads(self.run("status", "--json"))
        return sum(part["rss_mb"] or 0 for part in (*status["parts"].values(), status["supervisor"]))


@contextmanager
def stack(checkout: Path, environment: dict[str, str]) -> Iterator[Demo]:
    """A stack that is not yet up; whatever is left of it at the end is taken down."""
    with tempfile.TemporaryDirectory(prefix="measure-") as directory:
        Path(directory).chmod(0o755)  # PostgreSQL may run as another user
        demo = Demo(checkout=checkout, home=Path(directory) / "home", environment=environment)
        try:
            yield demo
        finally:
            demo.run("down", "--volumes")


def measured_cold() -> float:
    """`git clone`, then `./demo up` with nothing cached: environment, Kafka and PostgreSQL are downloaded."""
    with tempfile.TemporaryDirectory(prefix="cold-") as directory:
        Path(directory).chmod(0o755)
        clone, home = Path(directory) / "clone", Path(directory) / "user"
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", REPOSITORY, clone], check=True)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("XDG_")}
        python = shutil.which("python3", path=os.defpath) or sys.base_prefix + "/bin/python3"
        with stack(clone, environment | {"HOME": str(home), "PYTHON": python}) as demo:
            return demo.timed_up()


def measured() -> dict[str, Any]:
    """Everything but the cold start."""
    with stack(REPOSITORY, dict(os.environ)) as demo:
        figures: dict[str, Any] = {"ready_first_s": demo.timed_up()}
        warm = []
        for _ in range(RUNS):
            demo.run("down")
            warm.append(demo.timed_up())
        figures |= {"ready_warm_s": warm, "memory_idle_mb": demo.memory_mb()}
        figures["first_orders"] = demo.load(orders=500, rate=100)  # before compilers and caches are warm
        figures["loads"] = {
            rate: [demo.load(orders=rate * SECONDS, rate=rate) for _ in range(RUNS)] for rate in RATES
        }
        figures["memory_after_load_mb"] = demo.memory_mb()
        figures["ladder"] = climbed(lambda rate: demo.load(orders=rate * LADDER_S, rate=rate), LADDER)
        figures["audit"] = json.loads(demo.run("audit", "--wait", "60", "--json"))["counts"]
    return figures


def climbed(load: Callable[[int], dict[str, Any]], rates: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The summaries of loads at rising rates, up to the first that is not `kept`, which is among them."""
    done: dict[int, dict[str, Any]] = {}
    for rate in rates:
        done[rate] = load(rate)
        if not kept(done[rate], rate):
            break
    return done


def kept(summary: dict[str, Any], rate: int) -> bool:
    """Whether a load of orders was sent at its rate, each answered and visible, 99 of 100 soon enough."""
    return bool(
        summary["ok"] == summary["orders"]
        and not summary["not_visible"]
        and summary["orders"] >= KEPT_PACE * rate * summary["seconds"]
        and summary["visible_ms"]["p99"] <= MOST_P99_MS
    )


def machine() -> dict[str, Any]:
    """What figures of it depend on."""
    return {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load_before": psutil.getloadavg()[0],
    }


def main() -> None:
    """Measure and keep."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cold", action="store_true", help="also a fresh clone that downloads everything")
    args = parser.parse_args()
    about = {"day": dt.datetime.now(tz=dt.UTC).date().isoformat(), "machine": machine()}
    figures = measured()
    if args.cold:
        figures["ready_cold_s"] = measured_cold()
    figures = about | figures
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(figures, indent=1) + "\n"
    (RESULTS / f"{figures['day']}.json").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
