"""`./demo status --compose` in the form of `./demo status`: a snapshot of every container."""

import json
import re
from typing import Any

from demo.compose.containers import Container, docker
from demo.compose.stack import ComposeStack
from demo.supervisor.control import Snapshot
from devservers.ports import HOST

_BYTES = {"B": 1, "kB": 1e3, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}


def snapshot_of(stack: ComposeStack) -> Snapshot:
    """State, memory and addresses of every container, by the names of their parts."""
    memory = _memory_mb([container for container in stack.containers if container.is_running])
    parts = {c.part: _part(c) | {"rss_mb": memory.get(c.id)} for c in stack.containers}
    ready = all(part["state"] == "ready" for part in parts.values())
    return {
        "phase": "ready" if ready else "not ready",
        "parts": parts,
        "kafka": {"bootstrap": stack.bootstrap},
    }


def _part(container: Container) -> dict[str, Any]:
    scheme = {8000: "http://", 8083: "http://"}
    urls = [f"{scheme.get(inside, '')}{HOST}:{port}" for inside, port in sorted(container.ports.items())]
    return {
        "pid": container.pid,
        "state": container.state,
        "restarts": container.restarts,
        "url": ", ".join(urls) or None,
    }


def _memory_mb(running: list[Container]) -> dict[str, int]:
    """Memory of each container by its id, in MB, as the kernel counts it for the container's limit."""
    ids = [container.id for container in running]
    lines = docker("stats", "--no-stream", "--no-trunc", "--format", "json", *ids).splitlines()
    return {line["ID"]: _megabytes(line["MemUsage"]) for line in map(json.loads, lines)}


def _megabytes(usage: str) -> int:
    """MB of `73.61MiB / 256MiB`."""
    found = re.match(r"([\d.]+)(\w+)", usage)
    return round(float(found[1]) * _BYTES[found[2]] / 1e6) if found else 0
