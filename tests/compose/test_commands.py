"""`./demo … --compose`: the commands find their way into the containers."""

import json
import os
from pathlib import Path

import httpx
import pytest

from tests.support.compose import DockerError, RunningContainers, docker
from tests.support.waiting import wait_until


def test_a_load_is_visible_and_an_audit_of_it_clean(stack: RunningContainers, tmp_path: Path) -> None:
    journal = str(tmp_path / "journal")
    sent = stack.demo("load", "--compose", "--orders", "200", "--rate", "50", "--json", "--journal", journal)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert json.loads(sent.stdout)["visible_ms"]["samples"] == 200
    audited = stack.demo("audit", "--compose", "--wait", "60", "--journal", journal, "--json")
    assert audited.returncode == 0, audited.stdout + audited.stderr
    assert json.loads(audited.stdout)["counts"]["commands ok"] == 200


def test_status_shows_every_container_with_its_memory(stack: RunningContainers) -> None:
    shown = stack.demo("status", "--compose", "--json")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    parts = json.loads(shown.stdout)["parts"]
    orders = [name for n in (1, 2, 3) for name in (f"order-{n}", f"order-{n}-db")]
    assert parts.keys() == {"catalog", "read-db", "sink", "sink-2", "kafka-1", "kafka-2", "kafka-3", *orders}
    assert all(part["rss_mb"] > 0 for part in parts.values()), parts
    assert parts["order-2"]["url"] == stack.instances["order-2"]
    assert parts["order-2-db"]["url"] is None


def test_kafka_s_own_tools_work_on_the_containers(stack: RunningContainers) -> None:
    listed = stack.demo("kafka", "--compose", "topics", "list")
    assert {"orders", "products", "inbox.order-1"} <= set(listed.stdout.split()), listed.stderr


async def test_both_workers_are_in_one_group_and_share_its_connectors(stack: RunningContainers) -> None:
    workers = stack.published("sink", 8083)
    assert len(workers) == 2

    def agreed() -> dict[str, str] | None:
        one, other = (_connectors(f"http://{worker}") for worker in workers)
        return one if one == other and len(set(one.values())) == 2 else None

    seen = await wait_until(agreed, what="both to know which of them runs what")
    assert (seen or {}).keys() == {"orders", "products", "order-history"}


def _connectors(worker: str) -> dict[str, str]:
    """Which worker runs the task of each connector, as `worker` sees it."""
    expanded = httpx.get(f"{worker}/connectors", params={"expand": "status"}).json()
    return {
        name: task["worker_id"]
        for name, about in expanded.items()
        for task in about["status"]["tasks"]
        if task["id"] == 0
    }


def test_the_read_model_is_rebuilt_in_the_containers_and_an_audit_is_clean(stack: RunningContainers) -> None:
    rebuilt = stack.demo("rebuild", "--compose")
    assert rebuilt.returncode == 0, rebuilt.stdout + rebuilt.stderr
    assert "nothing missing, extra, different, old or doubled" in rebuilt.stdout
    audited = stack.demo("audit", "--compose", "--wait", "60")
    assert audited.returncode == 0, audited.stdout + audited.stderr


async def test_the_observed_stack_is_audited_unattended(
    stack: RunningContainers, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The audit of observe.yml alone: what it tells, as Prometheus would read it."""
    assert stack.is_ready()
    files = os.environ["COMPOSE_FILE"]
    monkeypatch.setenv("COMPOSE_FILE", f"{files}:infra/docker/observe.yml")
    read = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9095/metrics').read().decode())"
    try:
        docker("compose", "up", "--detach", "--no-deps", "audit")

        def told() -> bool:
            try:
                return "audit_complete 1.0" in docker("compose", "exec", "-T", "audit", "python", "-c", read)
            except DockerError:
                return False  # it has not begun

        await wait_until(told, timeout_s=90, every_s=1, what="an audit has read every side")
    finally:
        docker("compose", "rm", "--stop", "--force", "audit")
        docker("network", "rm", f"{os.environ['COMPOSE_PROJECT_NAME']}_audit")
