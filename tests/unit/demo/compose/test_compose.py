"""The stack in containers as the commands see it, from what the engine says."""

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.sources.databases import snapshot
from auditor.sources.rows import WRITE_TABLES
from demo.__main__ import main
from demo.cli.status import NOT_RUNNING
from demo.compose import containers as module
from demo.compose import stack as stack_module
from demo.compose import status as status_module
from demo.compose.database_copy import copy_script, fill
from demo.compose.stack import ComposeStack
from demo.errors import NotRunningError


def inspected(
    service: str, *, restart: str = "unless-stopped", number: int = 1, **state: Any
) -> dict[str, Any]:
    return {
        "Id": f"id-of-{service}-{number}",
        "Name": f"/test-{service}-{number}",
        "State": {"Status": "running", "Running": True, "Pid": 7, "ExitCode": 0} | state,
        "RestartCount": 0,
        "Config": {
            "Labels": {
                "com.docker.compose.service": service,
                "com.docker.compose.container-number": str(number),
            }
        },
        "HostConfig": {"RestartPolicy": {"Name": restart}},
        "NetworkSettings": {"Ports": {"8000/tcp": [{"HostPort": f"2000{number}"}], "9092/tcp": None}},
    }


ENDED: dict[str, Any] = {"Status": "exited", "Running": False, "Pid": 0}


def engine(monkeypatch: pytest.MonkeyPatch, *there: dict[str, Any]) -> None:
    """Let the engine have these containers."""

    def docker(*words: str) -> str:
        match words[0]:
            case "compose":
                return "".join(f"{each['Id']}\n" for each in there)
            case "stats":
                return "\n".join(
                    json.dumps({"ID": each, "MemUsage": "100MiB / 256MiB"}) for each in words[5:]
                )
            case _:
                return json.dumps(there)

    for user in (module, status_module):
        monkeypatch.setattr(user, "docker", docker)


def test_a_job_that_has_done_its_work_is_no_part_and_one_that_failed_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    engine(
        monkeypatch,
        inspected("catalog", Health={"Status": "healthy"}),
        inspected("seed", restart="no", **ENDED),
        inspected("topics", restart="no", **ENDED | {"ExitCode": 1}),
    )
    states = {c.service: c.state for c in ComposeStack.running().containers}
    assert states == {"catalog": "ready", "topics": "failed"}


@pytest.mark.parametrize(
    ("state", "shown"),
    [
        ({"Health": {"Status": "healthy"}}, "ready"),
        ({"Health": {"Status": "unhealthy"}}, "unready"),
        ({"Health": {"Status": "healthy"}, "Status": "paused"}, "paused"),
        ({"Health": {"Status": "starting"}}, "starting"),
        ({}, "ready"),
        ({"Status": "created", "Running": False, "Pid": 0}, "starting"),
        (ENDED | {"ExitCode": 137}, "stopped"),
    ],
)
def test_a_container_is_in_the_state_that_its_health_says(
    monkeypatch: pytest.MonkeyPatch, state: dict[str, Any], shown: str
) -> None:
    engine(monkeypatch, inspected("order-1", **state), inspected("order-2"))
    assert ComposeStack.running().containers[0].state == shown


def test_only_what_runs_has_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    engine(monkeypatch, inspected("order-1"), inspected("order-2", **ENDED))
    stack = ComposeStack.running()
    assert stack.instances == {"order-1": "http://127.0.0.1:20001"}
    with pytest.raises(NotRunningError, match="no container of order-2 runs"):
        stack.one("order-2")


def test_the_second_container_of_a_service_has_a_name_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    engine(monkeypatch, inspected("sink"), inspected("sink", number=2))
    snapshot = status_module.snapshot_of(ComposeStack.running())
    assert {name: part["rss_mb"] for name, part in snapshot["parts"].items()} == {"sink": 105, "sink-2": 105}


def test_nothing_in_containers_is_said_and_is_no_crash(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    engine(monkeypatch)
    assert main(["status", "--compose"]) == NOT_RUNNING
    assert "docker compose up" in capsys.readouterr().out
    assert main(["kafka", "--compose", "topics", "list"]) == NOT_RUNNING
    assert main(["audit", "--compose"]) == main(["load", "--compose"]) == NOT_RUNNING
    assert main(["rebuild", "--compose"]) == NOT_RUNNING


def test_without_docker_that_is_what_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NotRunningError, match="no `docker` command"):
        ComposeStack.running()


ROWS = [
    ["orders", {
        "order_id": "order-1-a", "user_id": "ada", "status": "PENDING", "lines": [{"product_id": "tea"}], "total_cents": 5,
        "version": 1, "instance": "order-1", "reason": None, "placed_at": 7, "updated_at": 8,
    }],
    ["outbox", {"id": 3, "topic": "orders", "key": "\\x6162", "value": "\\xff00", "headers": "[]"}],
]  # fmt: skip


async def test_what_psql_prints_becomes_a_database_that_the_auditor_reads(tmp_path: Path) -> None:
    printed = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    tables = set(WRITE_TABLES) - {"set_aside"}  # an instance of before may not have it
    fill(tmp_path / "copy.db", printed, tables=tables)
    async with snapshot(f"sqlite:///{tmp_path}/copy.db") as database:
        read = {
            name: [row async for block in database.rows(WRITE_TABLES[name]) for row in block]
            for name in tables
        }
        assert not await database.has("set_aside")
    assert read["outbox"] == [(3, "orders", b"ab", b"\xff\x00", "[]")]
    ((order_id, *_, updated_at),) = read["orders"]
    assert (order_id, updated_at) == ("order-1-a", 8)
    assert read["dead_letters"] == []


def test_only_tables_that_are_there_are_asked_for() -> None:
    script = copy_script(database="orders", tables={"orders"})
    assert script[0] == "--dbname=orders"
    assert sum("FROM orders" in word for word in script) == 1
    assert not any("FROM outbox" in word for word in script)


def test_a_published_port_leads_to_the_same_database_as_the_same_role() -> None:
    inside = "postgresql://catalog_reader:pw@read-db:5432/read"
    assert stack_module._at(inside, port=5433) == "postgresql://catalog_reader:pw@127.0.0.1:5433/read"  # noqa: SLF001
