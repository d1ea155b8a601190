"""`./demo status`: what runs, with pid, memory and restarts, and how far the read side is behind."""

import argparse
import json
from typing import Any

import httpx
from rich.console import Console

from demo.cli.table import parts_table
from demo.compose.containers import COMPOSE_UP
from demo.compose.stack import ComposeStack
from demo.compose.status import snapshot_of
from demo.home import Home
from demo.supervisor import record
from demo.supervisor.control import NotRunningError, Snapshot, ask

NOT_RUNNING = 3  # as `systemctl status` has it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--json", action="store_true", help="for programs; contains the administrator's password"
    )
    parser.add_argument("--compose", action="store_true", help="of the stack in containers")


def run(args: argparse.Namespace) -> int:
    """0 when every part is ready, 1 when one is not, 3 when nothing runs."""
    snapshot = in_containers() if args.compose else read(Home.from_environment())
    if args.json:
        print(json.dumps(snapshot or {"phase": "down", "parts": {}}, indent=1))
    elif snapshot is None:
        print(f"Nothing runs. `{COMPOSE_UP if args.compose else './demo up'}` starts the stack.")
    else:
        _show(snapshot, Console())
    if snapshot is None:
        return NOT_RUNNING
    return 0 if all(part["state"] == "ready" for part in snapshot["parts"].values()) else 1


def read(home: Home) -> Snapshot | None:
    """State of the stack of `home` as its supervisor sees it now, None when it is down."""
    found = record.running(home)
    if found is None:
        return None
    try:
        return ask(found, {"do": "status"})
    except NotRunningError:
        return None


def in_containers() -> Snapshot | None:
    """State of the stack in containers, None when there is none."""
    try:
        return snapshot_of(ComposeStack.running())
    except NotRunningError:
        return None


def _show(snapshot: Snapshot, console: Console) -> None:
    console.print(parts_table(snapshot))
    parts, keeper = [*snapshot["parts"].values()], "in containers"
    if supervisor := snapshot.get("supervisor"):
        parts, keeper = [*parts, supervisor], f"supervisor pid {supervisor['pid']}"
    total = sum(part["rss_mb"] or 0 for part in parts)
    console.print(f"\n{snapshot['phase']}; {keeper}; {total / 1000:.2f} GB in all", highlight=False)
    console.print(f"read side: {lag(snapshot['parts']['catalog']['url'])}", highlight=False)


def lag(catalog_url: str) -> str:
    """How far the catalog says it is behind, in words."""
    try:
        answer = httpx.get(f"{catalog_url}/sync", timeout=3)
        answer.raise_for_status()
        return _lag_in_words(answer.json())
    except (httpx.HTTPError, ValueError, KeyError) as error:
        return f"unknown, the catalog does not say ({error})"


def _lag_in_words(sync: dict[str, Any]) -> str:
    behind = "Kafka has not been heard of" if sync["lag"] is None else f"{sync['lag']} records behind"
    parked = f", {sync['dead_letters']} in the dead letters" if sync["dead_letters"] else ""
    each = ", ".join(f"{c['connector']} {'?' if c['lag'] is None else c['lag']}" for c in sync["connectors"])
    return f"{behind} ({each}), {sync['lag_ms']} ms old{parked}"
