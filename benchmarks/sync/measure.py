"""The figures of the whole system on this machine: time to ready, memory, commit → visible.

    .venv/bin/python benchmarks/sync/measure.py [--cold]

starts a stack of its own (another home, other ports), measures, checks the result with `./demo audit`, takes the stack
down, writes `results/<day>.json` beside this file and the table between the `figures` marks of the README. Run it on a
machine that has nothing else to do. `--cold` also starts a fresh clone with empty caches: it downloads everything.
"""

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

REPOSITORY = Path(__file__).resolve().parents[2]
README = REPOSITORY / "README.md"
RESULTS = Path(__file__).with_name("results")
BEGIN, END = "<!-- figures: written by benchmarks/sync/measure.py -->\n", "<!-- end of figures -->\n"
PORT_OFFSET = "21000"  # the highest stays below the ports of outgoing connections
RUNS = 3
SECONDS = 30
RATES = (10, 100)  # orders per second
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

    def load(self, rate: int) -> dict[str, Any]:
        """The summary of a load of `SECONDS`."""
        words = ("--orders", str(rate * SECONDS), "--rate", str(rate))
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
        demo.run("load", "--orders", "500", "--rate", "100", "--json")  # compilers and caches warm up
        figures["loads"] = {rate: [demo.load(rate) for _ in range(RUNS)] for rate in RATES}
        figures["memory_after_load_mb"] = demo.memory_mb()
        figures["audit"] = json.loads(demo.run("audit", "--wait", "60", "--json"))["counts"]
    return figures


def table(figures: dict[str, Any]) -> str:
    """The README's rows."""

    def spread(rate: int, name: str) -> str:
        values = [load["visible_ms"][name] for load in figures["loads"][rate]]
        return f"{statistics.median(values):.1f} ms ({min(values):.1f} to {max(values):.1f})"

    warm = figures["ready_warm_s"]
    cold = f"{figures['ready_cold_s']:.0f} s" if "ready_cold_s" in figures else "not measured"
    rows = [
        ("ready, fresh clone, everything downloaded", "", cold),
        ("ready, first start with empty data", "", f"{figures['ready_first_s']:.0f} s"),
        ("ready, warm", "≤ 30 s", f"{statistics.median(warm):.0f} s ({min(warm):.0f} to {max(warm):.0f})"),
        ("memory of the whole stack, idle", "≤ 2.5 GB", f"{figures['memory_idle_mb'] / 1000:.2f} GB"),
        (
            "memory of the whole stack, after the loads",
            "",
            f"{figures['memory_after_load_mb'] / 1000:.2f} GB",
        ),
        ("commit → visible at 10 orders/s, p50", "", spread(10, "p50")),
        ("commit → visible at 10 orders/s, p99", "", spread(10, "p99")),
        ("commit → visible at 100 orders/s, p50", "≤ 10 ms", spread(100, "p50")),
        ("commit → visible at 100 orders/s, p99", "≤ 50 ms", spread(100, "p99")),
    ]
    machine = figures["machine"]
    head = f"{figures['day']}, {machine['cores']} cores, {machine['memory_gb']} GB, {machine['system']}; "
    head += (
        f"median of {RUNS} runs (lowest to highest), load average before it {machine['load_before']:.1f}:\n\n"
    )
    lines = [f"| {what} | {aim} | {value} |\n" for what, aim, value in rows]
    return head + "| what | aim | measured |\n|---|---|---|\n" + "".join(lines)


def main() -> None:
    """Measure, keep, publish."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--cold", action="store_true", help="also a fresh clone that downloads everything")
    args = parser.parse_args()
    machine = {
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "load_before": psutil.getloadavg()[0],
    }
    figures = measured()
    if args.cold:
        figures["ready_cold_s"] = measured_cold()
    day = dt.datetime.now(tz=dt.UTC).date().isoformat()
    figures = {"day": day, "machine": machine} | figures
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{day}.json").write_text(json.dumps(figures, indent=1) + "\n")
    before, _, rest = README.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    README.write_text(before + BEGIN + table(figures) + END + after)
    print(table(figures))


if __name__ == "__main__":
    main()
