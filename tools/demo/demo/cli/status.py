"""`./demo status`: what runs, with pid, memory and restarts, and how far the read side is behind."""

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

import httpx
from rich.console import Console

from demo.cli.table import parts_table, wide
from demo.compose.containers import COMPOSE_UP
from demo.compose.stack import ComposeStack
from demo.compose.status import snapshot_of
from demo.errors import NotRunningError
from demo.home import Home
from demo.running_stack import orphaned, running_stack
from demo.security import http_options
from demo.supervisor import record
from demo.supervisor.control import Snapshot, ask

READY, NOT_READY, NOT_RUNNING = 0, 1, NotRunningError.exit_code
_READ_SIDE = ("kafka", "postgres", "read-db", "sink", "catalog")
"""What the parts begin with that stand between an order's commit and a query."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `status`."""
    parser.add_argument(
        "--json", action="store_true", help="for programs; contains the administrator's password"
    )
    parser.add_argument("--compose", action="store_true", help="of the stack in containers")


def run(args: argparse.Namespace) -> int:
    """0 when every part is ready, 1 when one is not or nothing supervises them, 3 when nothing runs."""
    home = Home.from_environment()
    snapshot = in_containers() if args.compose else read(home)
    left = [] if args.compose or snapshot else record.leftovers(home)
    if args.json:
        print(json.dumps(snapshot or _without_supervisor(left), indent=1))
    elif snapshot is not None:
        _show(snapshot, wide(Console()))
    elif left:
        print(f"{orphaned(len(left))}:\n" + "\n".join(f"  {part.name} (pid {part.pid})" for part, _ in left))
    else:
        start = COMPOSE_UP if args.compose else "./demo up"
        print(f"Nothing runs{'' if args.compose else f' in {home.root}'}. `{start}` starts the stack.")
    if snapshot is None:
        return NOT_READY if left else NOT_RUNNING
    return NOT_READY if not_ready(snapshot) else READY


def read(home: Home) -> Snapshot | None:
    """State of the stack of `home` as its supervisor sees it now, None when it is down."""
    found = record.running(home)
    if found is None:
        return None
    try:
        return ask(found, {"do": "status"})
    except NotRunningError as error:
        print(f"demo status: {error}", file=sys.stderr)
        return None


def in_containers() -> Snapshot | None:
    """State of the stack in containers, None when there is none."""
    try:
        return snapshot_of(ComposeStack.running())
    except NotRunningError as error:
        print(f"demo status: {error}", file=sys.stderr)
        return None


def not_ready(snapshot: Snapshot) -> dict[str, str]:
    """State of every part that is not ready, by its name."""
    return {
        name: part["state"] for name, part in sorted(snapshot["parts"].items()) if part["state"] != "ready"
    }


def overall(snapshot: Snapshot) -> str:
    """One word for the whole, out of the parts: `ready`, or what is not."""
    if snapshot["phase"] not in ("ready", "not ready"):
        return str(snapshot["phase"])
    culprits = not_ready(snapshot)
    return f"not ready: {_listed(culprits)}" if culprits else "ready"


def _without_supervisor(left: list[tuple[record.ProcessId, Any]]) -> Snapshot:
    if not left:
        return {"phase": "down", "parts": {}}
    return {"phase": "orphaned", "parts": {part.name: {"pid": part.pid} for part, _ in left}}


def _show(snapshot: Snapshot, console: Console) -> None:
    console.print(parts_table(snapshot))
    parts, keeper = [*snapshot["parts"].values()], "in containers"
    if supervisor := snapshot.get("supervisor"):
        parts, keeper = [*parts, supervisor], f"supervisor pid {supervisor['pid']}"
    total = sum(part["rss_mb"] or 0 for part in parts)
    say = f"{overall(snapshot)}; {keeper}; {total / 1000:.2f} GB in all"
    console.print(f"\n{say}", highlight=False, soft_wrap=True, markup=False)
    console.print(f"read side: {read_side(snapshot)}", highlight=False, soft_wrap=True, markup=False)


def read_side(snapshot: Snapshot) -> str:
    """How far the catalog says it is behind, in words; what is away on that way is named as the cause."""
    culprits = {name: state for name, state in not_ready(snapshot).items() if name.startswith(_READ_SIDE)}
    catalog = snapshot["parts"].get("catalog", {})
    because = f"; {_listed(culprits)}" if culprits else ""
    try:
        answer = httpx.get(f"{catalog['url']}/sync", timeout=3, trust_env=False, **_access(catalog["url"]))
        answer.raise_for_status()
        return lag_in_words(answer.json()) + because
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, KeyError, TypeError, AttributeError) as error:
        return f"unknown{because or f', the catalog does not say ({error})'}"


def _access(url: str) -> dict[str, Any]:
    """What a catalog that speaks https asks for: it is that of the secure stack in this home."""
    return http_options(running_stack().security) if url.startswith("https:") else {}


def lag_in_words(sync: Mapping[str, Any]) -> str:
    """What the catalog's `/sync` says, in words. Raises KeyError or TypeError when it is something else."""
    parked = f", {sync['dead_letters']} in the dead letters" if sync["dead_letters"] else ""
    connectors = [f"{c['connector']} {'?' if c['lag'] is None else c['lag']}" for c in sync["connectors"]]
    each = f" ({', '.join(connectors)})" if connectors else ""
    if sync["lag"] is None:
        return f"not known how far behind{each}{parked}"
    return f"{sync['lag']} records behind{each}, {sync['lag_ms']} ms old{parked}"


def _listed(states: Mapping[str, str]) -> str:
    return ", ".join(f"{name} is {state}" for name, state in states.items())
