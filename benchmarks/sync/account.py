"""What a running stack has used so far, and the difference between two looks at it as an account per order.

Processor time is that of every process of the stack as the system counts it (user and system, children that have ended
included). Requests are the brokers' own counters, read over JMX, which the JVM's tool switches on in a broker that runs: that
takes seconds, in which the stack is at rest, and what it asks the brokers at rest is taken off again. Commits and records
are the services' and the database's own counters.
"""

import asyncio
import subprocess
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import asyncpg
import httpx
import psutil
from prometheus_client.parser import text_string_to_metric_families

from devservers.jars import Jars

REQUESTS = "kafka.network:type=RequestMetrics,name=RequestsPerSec,*"
TWICE = "Fetch"  # the brokers count every fetch a second time as FetchConsumer or FetchFollower
COUNTERS = {
    "order instances": {
        "order_commit_seconds_count": "order: commits",
        "order_commit_use_cases_sum": "order: use cases decided",
        "order_sqlite_statements_total": "order: statements",
        "order_outbox_published_total": "order: records published",
        "order_records_taken_in_total": "order: records taken in",
    },
    "sink": {"sink_batches_total": "sink: batches", "sink_records_total": "sink: records"},
}
Account = dict[str, dict[str, float]]
"""Figures by kind and name, the largest first."""
DATABASE = """
    SELECT xact_commit AS transactions, tup_inserted + tup_updated + tup_deleted AS "rows written"
    FROM pg_stat_database WHERE datname = current_database()
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Processor seconds by part, requests that the brokers have answered by kind, and other work by name.

    `at` is the time of the first, `asked_at` that of the second, in seconds.
    """

    at: float
    asked_at: float
    processor_s: Mapping[str, float]
    requests: Mapping[str, float]
    work: Mapping[str, float]

    def since(self, before: Self) -> Self:
        """What came on top."""
        return type(self)(
            at=self.at - before.at,
            asked_at=self.asked_at - before.asked_at,
            processor_s=_difference(self.processor_s, before.processor_s),
            requests=_difference(self.requests, before.requests),
            work=_difference(self.work, before.work),
        )

    def per_order(self, orders: int, *, at_rest: Mapping[str, float]) -> Account:
        """Milliseconds by part, requests by kind and other work, each divided by `orders`.

        `at_rest` are the requests a second without any order.
        """
        rest_s = self.asked_at - self.at
        requests = {kind: count - at_rest.get(kind, 0.0) * rest_s for kind, count in self.requests.items()}
        return {
            "processor_ms": _scaled(self.processor_s, 1_000 / orders),
            "requests": _scaled(requests, 1 / orders),
            "work": _scaled(self.work, 1 / orders),
        }

    def per_second(self) -> Account:
        """Percent of one core by part, requests and other work a second."""
        return {
            "processor_percent": _scaled(self.processor_s, 100 / self.at),
            "requests": _scaled(self.requests, 1 / self.asked_at),
            "work": _scaled(self.work, 1 / self.at),
        }


class Meter:
    """Reads what the stack of `status` (`./demo status --json`) has used. The looks themselves are not counted."""

    def __init__(self, status: Mapping[str, Any]) -> None:
        """Switches the brokers' JMX on."""
        self._parts = {name: part["pid"] for name, part in status["parts"].items()}
        # What a secure stack's parts count is for its staff alone, and is what those of an open one count.
        self._urls = {name: part["url"] for name, part in status["parts"].items() if not status["cafile"]}
        self._supervisor = status["supervisor"]["pid"]
        self._read_dsn = status["postgres"]["read_dsn"]
        self._java = Jars.java()
        self._classpath = Jars.resolve()
        self._jmx = {
            name: self._jmx_url(pid) for name, pid in self._parts.items() if name.startswith("kafka-")
        }

    async def before(self) -> Usage:
        """The beginning of what is to be counted: processor time last, as the counters cost some to read."""
        asked_at, requests = await self._requests()
        work = await self._work()
        return Usage(
            at=time.monotonic(),
            asked_at=asked_at,
            processor_s=self._processor(),
            requests=requests,
            work=work,
        )

    async def after(self) -> Usage:
        """Its end: processor time first."""
        at, processor = time.monotonic(), self._processor()
        work = await self._work()
        asked_at, requests = await self._requests()
        return Usage(at=at, asked_at=asked_at, processor_s=processor, requests=requests, work=work)

    def _processor(self) -> dict[str, float]:
        used: dict[str, float] = {}
        for name, pid in {**self._parts, "supervisor": self._supervisor}.items():
            process = psutil.Process(pid)
            processes = [process] if name == "supervisor" else [process, *process.children(recursive=True)]
            for each in processes:
                with suppress(psutil.NoSuchProcess):
                    used[_kind(name)] = used.get(_kind(name), 0.0) + _seconds(
                        each, with_ended=name != "supervisor"
                    )
        return used

    async def _requests(self) -> tuple[float, Counter[str]]:
        """The brokers' counters, and when they were read, in seconds."""
        printed = await asyncio.gather(*(asyncio.to_thread(self._ask, url) for url in self._jmx.values()))
        times, told = [], Counter[str]()
        for line in "".join(printed).splitlines():
            name, _, value = line.rpartition("=")
            if name == "time":
                times.append(int(value) / 1_000)
                continue
            words = dict(word.partition("=")[::2] for word in name.partition(":")[2].split(","))
            kind = words.get("request", TWICE)
            if kind != TWICE:
                told[kind] += int(float(value))
        return sum(times) / len(times), told

    def _ask(self, url: str) -> str:
        tool = ("org.apache.kafka.tools.JmxTool", "--jmx-url", url, "--object-name", REQUESTS)
        options = ("--attributes", "Count", "--one-time", "--report-format", "properties")
        return _output(self._java, "-XX:TieredStopAtLevel=1", "-cp", self._classpath, *tool, *options)

    async def _work(self) -> Counter[str]:
        done: Counter[str] = Counter()
        async with httpx.AsyncClient(trust_env=False) as http:
            for name, url in self._urls.items():
                if counters := COUNTERS.get(_kind(name)):
                    done += _metrics((await http.get(f"{url}/metrics")).text, counters)
        connection = await asyncpg.connect(self._read_dsn)
        try:
            row = await connection.fetchrow(DATABASE)
        finally:
            await connection.close()
        assert row is not None  # noqa: S101 - of this very database
        return done + Counter({f"read database: {name}": count for name, count in row.items()})

    def _jmx_url(self, pid: int) -> str:
        jcmd = Path(self._java).with_name("jcmd")
        _output(jcmd, str(pid), "ManagementAgent.start_local")
        words = _output(jcmd, str(pid), "ManagementAgent.status").split()
        return next(word for word in words if word.startswith("service:jmx:"))


def table(title: str, figures: Mapping[str, float], unit: str) -> str:
    """Markdown: the largest first, and their sum where it means something."""
    rows = [f"| {name} | {figure:,.2f} |" for name, figure in figures.items()]
    return "\n".join([f"| {title} | {unit} |", "|---|---|", *rows]) + "\n"


def with_total(figures: Mapping[str, float]) -> dict[str, float]:
    """The figures and, last, what they come to."""
    return {**figures, "all": round(sum(figures.values()), 3)}


def _kind(part: str) -> str:
    name = part.rpartition("-")
    return {"kafka": "brokers", "order": "order instances"}.get(name[0], part)


def _seconds(process: psutil.Process, *, with_ended: bool) -> float:
    times = process.cpu_times()
    ended = times.children_user + times.children_system if with_ended else 0.0
    return float(times.user + times.system + ended)


def _metrics(text: str, counters: Mapping[str, str]) -> Counter[str]:
    told: Counter[str] = Counter()
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if sample.name in counters:
                told[counters[sample.name]] += int(sample.value)
    return told


def _output(*words: str | Path) -> str:
    return subprocess.run([*words], capture_output=True, text=True, check=True).stdout


def _difference(after: Mapping[str, float], before: Mapping[str, float]) -> dict[str, float]:
    return {name: each - before.get(name, 0.0) for name, each in after.items()}


def _scaled(counted: Mapping[str, float], factor: float) -> dict[str, float]:
    scaled = {name: round(each * factor, 3) for name, each in counted.items()}
    return dict(sorted(((name, each) for name, each in scaled.items() if each), key=lambda item: -item[1]))
