"""What the subcommands make of their arguments, and what they print."""

import argparse
import json
import os
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from demo.__main__ import COMMANDS, main
from demo.cli import kafka_tools, logs, status, suites, up
from demo.cli.table import parts_table, wide
from demo.home import REPOSITORY, Home
from demo.supervisor.record import ProcessId, Record
from devservers.ports import ORDER_INSTANCES, free_ports
from devservers.postgres import PostgresInstall


def words(*line: str, brokers: int = 3) -> list[str]:
    parser = argparse.ArgumentParser()
    kafka_tools.add_arguments(parser)
    return kafka_tools.tool_words(parser.parse_args(line), brokers=brokers)


def test_a_topic_is_replicated_to_every_broker_unless_told_otherwise() -> None:
    create = ("topics", "create", "events", "--partitions", "4")
    topic = [kafka_tools.TOPICS, "--create", "--topic", "events", "--partitions", "4", "--replication-factor"]
    assert words(*create) == [*topic, "3"]
    assert words(*create, brokers=1) == [*topic, "1"]
    assert words(*create, "--replication-factor", "2") == [*topic, "2"]


@pytest.mark.parametrize(
    ("line", "tool"),
    [
        (["topics", "list"], [kafka_tools.TOPICS, "--list"]),
        (["topics", "describe", "events"], [kafka_tools.TOPICS, "--describe", "--topic", "events"]),
        (["topics", "delete", "events"], [kafka_tools.TOPICS, "--delete", "--topic", "events"]),
        (["produce", "events"], [kafka_tools.PRODUCER, "--topic", "events"]),
        (["consume", "events"], [kafka_tools.CONSUMER, "--topic", "events"]),
        (
            ["consume", "events", "--from-beginning", "--max-messages", "3"],
            [kafka_tools.CONSUMER, "--topic", "events", "--from-beginning", "--max-messages", "3"],
        ),
        (
            ["perf", "events", "--records", "9", "--no-batching"],
            [
                *(kafka_tools.PERFORMANCE, "--topic", "events", "--num-records", "9", "--record-size", "100"),
                *("--throughput", "-1", "--command-property", "acks=all", "batch.size=0", "linger.ms=0"),
            ],
        ),
        (["quorum"], [kafka_tools.QUORUM, "describe", "--status"]),
        (["groups"], [kafka_tools.GROUPS, "--list"]),
        (["groups", "readers"], [kafka_tools.GROUPS, "--describe", "--group", "readers"]),
    ],
)
def test_each_kafka_command_becomes_kafka_s_own_tool(line: list[str], tool: list[str]) -> None:
    assert words(*line) == tool


def test_every_subcommand_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    for name in COMMANDS:
        with pytest.raises(SystemExit, match="0") if name != "test" else _nothing():
            main([name, "--help"])
        said = capsys.readouterr().out
        assert "usage: demo" in said, name
        if name != "test":
            assert COMMANDS[name].description.split()[0] in said, name


def test_what_no_person_types_is_not_offered(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])
    assert "supervise" not in capsys.readouterr().out


NEED_A_STACK = [
    ["kafka", "topics", "list"],
    ["restart", "sink"],
    ["stop", "sink"],
    ["start", "sink"],
    ["load"],
    ["audit"],
    ["dead-letters", "list", "orders"],
    ["rebuild"],
    ["logs"],
]


@pytest.mark.parametrize("words", NEED_A_STACK, ids=" ".join)
def test_every_command_gives_the_same_answer_when_nothing_runs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    monkeypatch.setenv("DEMO_HOME", str(tmp_path / "none"))
    assert main(words) == status.NOT_RUNNING
    said = capsys.readouterr().err
    assert said == f"demo {words[0]}: nothing runs in {tmp_path / 'none'}; `./demo up` starts the stack\n"
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("offset", ["abc", "-1", "60000", "\u0663"])
@pytest.mark.parametrize("words", [["up"], ["doctor"]], ids=" ".join)
def test_an_offset_that_is_none_is_said_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    offset: str,
) -> None:
    monkeypatch.setenv("DEMO_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("DEMO_PORT_OFFSET", offset)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "must be a whole number from 0 to" in said


def test_a_supervisor_that_was_killed_is_said_and_what_it_left_is_listed(
    monkeypatch: pytest.MonkeyPatch, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_HOME", str(home.root))
    me = ProcessId.of("kafka-1", os.getpid())
    gone = replace(me, name="supervisor", started=0.0)
    Record(supervisor=gone, socket="", brokers=1, port_offset=0, children=(me,)).write(home)
    assert main(["status"]) == status.NOT_READY
    said = capsys.readouterr().out
    assert "the supervisor is gone" in said
    assert f"kafka-1 (pid {os.getpid()})" in said
    assert main(["status", "--json"]) == status.NOT_READY
    assert json.loads(capsys.readouterr().out)["phase"] == "orphaned"
    assert main(["load"]) == status.NOT_RUNNING
    assert "the supervisor is gone" in capsys.readouterr().err


PARTS = {name: {"state": "ready", "url": "http://127.0.0.1:1"} for name in ("catalog", "postgres", "kafka-1")}


def test_the_whole_is_ready_only_when_every_part_is() -> None:
    assert status.overall({"phase": "ready", "parts": PARTS}) == "ready"
    stopped = PARTS | {"kafka-1": {"state": "stopped"}}
    assert status.overall({"phase": "ready", "parts": stopped}) == "not ready: kafka-1 is stopped"
    assert status.overall({"phase": "starting", "parts": stopped}) == "starting"


def test_the_part_that_is_away_is_named_as_the_cause() -> None:
    parts = PARTS | {"postgres": {"state": "stopped"}, "order-1": {"state": "stopped"}}
    assert status.read_side({"phase": "ready", "parts": parts}) == "unknown; postgres is stopped"


@pytest.mark.parametrize(
    ("sync", "said"),
    [
        (
            {"lag": 3, "lag_ms": 12, "dead_letters": 0, "connectors": [{"connector": "orders", "lag": 3}]},
            "3 records behind (orders 3), 12 ms old",
        ),
        ({"lag": None, "lag_ms": 9239, "dead_letters": 0, "connectors": []}, "not known how far behind"),
        (
            {
                "lag": None,
                "lag_ms": 1,
                "dead_letters": 2,
                "connectors": [{"connector": "orders", "lag": None}],
            },
            "not known how far behind (orders ?), 2 in the dead letters",
        ),
    ],
)
def test_a_lag_that_is_not_known_blames_nobody(sync: dict[str, Any], said: str) -> None:
    assert status.lag_in_words(sync) == said


def test_a_narrow_terminal_shows_whole_addresses() -> None:
    written = StringIO()
    url = "http://127.0.0.1:28083"
    snapshot = {"parts": {"sink": {"state": "ready", "pid": 12345, "restarts": 0, "rss_mb": 100, "url": url}}}
    wide(Console(file=written, width=60)).print(parts_table(snapshot))
    assert url in written.getvalue()


@pytest.mark.parametrize("words", [["bogus"], ["unit", "bogus"], ["-x", "--lf", "unit", "bogus"]])
def test_an_unknown_suite_is_named_with_those_there_are(
    capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert main(["test", *words]) == 2
    assert "no suite is called 'bogus'; there are unit" in capsys.readouterr().err


def test_what_belongs_to_an_option_of_pytest_is_no_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    [[run]] = runs_of(monkeypatch, "unit", "-k", "bogus")
    assert run[-2:] == ["-k", "bogus"]


def test_who_comes_second_to_start_a_stack_waits_for_the_first(
    home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    console = Console()
    first_holds, first_may_go, entered = threading.Event(), threading.Event(), list[str]()

    def first() -> None:
        with up.starting(home, console):
            first_holds.set()
            first_may_go.wait(30)
            entered.append("first")

    def second() -> None:
        with up.starting(home, console):
            entered.append("second")

    threads = [threading.Thread(target=first), threading.Thread(target=second)]
    threads[0].start()
    assert first_holds.wait(30)
    threads[1].start()
    said = ""
    while "Another `up`" not in said and threads[1].is_alive():
        said += capsys.readouterr().out
    first_may_go.set()
    for thread in threads:
        thread.join(30)
    assert entered == ["first", "second"]


def test_as_many_brokers_as_the_data_was_made_with(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO_PORT_OFFSET", str(free_ports(1)[0] % 10_000 + 10_000))
    monkeypatch.setattr(PostgresInstall, "require_reachable", lambda _self: None)
    assert up.prepare(home, brokers=None, console=Console(quiet=True)) == 3
    (home.data / "brokers").write_text("1")
    assert up.prepare(home, brokers=None, console=Console(quiet=True)) == 1
    with pytest.raises(up.UpError, match="made with 1 broker"):
        up.prepare(home, brokers=3, console=Console(quiet=True))


def test_without_a_stack_the_commands_that_need_one_say_so(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_HOME", str(tmp_path / "none"))
    assert main(["status"]) == status.NOT_RUNNING
    assert main(["kafka", "topics", "list"]) == status.NOT_RUNNING
    assert main(["restart", "sink"]) == status.NOT_RUNNING
    assert main(["down"]) == 0
    assert "Nothing was running" in capsys.readouterr().out
    assert main(["status", "--json"]) == status.NOT_RUNNING
    assert json.loads(capsys.readouterr().out) == {"phase": "down", "parts": {}}
    assert not (tmp_path / "none").exists()


def test_logs_show_the_diary_first_and_one_part_alone(
    monkeypatch: pytest.MonkeyPatch, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEMO_HOME", str(home.root))
    home.log("catalog").write_text("".join(f"line {n}\n" for n in range(100)))
    home.log("supervisor").write_text("part.died\n")
    assert main(["logs"]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert shown[0] == "supervisor      │ part.died"
    assert shown[1:] == [f"catalog         │ line {n}" for n in range(80, 100)]
    assert main(["logs", "catalog", "-n", "2"]) == 0
    assert capsys.readouterr().out == "line 98\nline 99\n"
    assert main(["logs", "catalog"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 100
    assert main(["logs", "nobody"]) == 1
    assert "there are: catalog, supervisor" in capsys.readouterr().err


def test_following_a_log_shows_whole_new_lines_and_survives_a_rotation(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "sink.log"
    log.write_text("old\n")
    tail = logs.Tail(log, prefix="")
    tail.show_last(10)
    with log.open("a") as file:
        file.write("new\nhalf")
    tail.show_new()
    with log.open("a") as file:
        file.write(" done\n")
    tail.show_new()
    log.write_text("again\n")
    tail.show_new()
    assert capsys.readouterr().out.splitlines() == ["old", "new", "half done", "again"]


def test_suites_are_the_folders_that_hold_tests() -> None:
    folders = {path.relative_to(suites.TESTS).parts[0] for path in suites.TESTS.rglob("test_*.py")}
    assert set(suites.SUITES) == folders


def runs_of(
    monkeypatch: pytest.MonkeyPatch, *words: str, codes: Sequence[int] = (0, 0, 0)
) -> list[list[list[str]]]:
    """Pytest's arguments in each run of `demo test`, which end with `codes`."""
    runs: list[list[list[str]]] = []

    def run(beside: list[list[str]]) -> list[int]:
        runs.append(beside)
        return [codes[len(runs) - 1], *[0] * (len(beside) - 1)]

    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(suites, "_run", run)
    code = suites.main([*words])
    assert code == next((code for code in codes[: len(runs)] if code), 0)
    return runs


def folders_of(arguments: Sequence[str]) -> set[str]:
    """What of the tests is named, folders or files."""
    paths = [Path(word) for word in arguments if word.startswith("/")]
    assert all(path.exists() for path in paths)
    return {str(path.relative_to(suites.TESTS)) for path in paths}


def ignored_by(arguments: Sequence[str]) -> set[str]:
    return folders_of([word.removeprefix("--ignore=") for word in arguments if word.startswith("--ignore=")])


def test_without_a_suite_all_are_run_but_the_one_in_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    [[unit], [sharing], [stack, own]] = runs_of(monkeypatch)
    assert folders_of(unit) == {"unit"}
    assert folders_of(sharing) == {"contract", "integration", "chaos/order", "chaos/sink"}
    assert folders_of(stack) == {"e2e", "browser", "chaos"}
    assert folders_of(own) == set(suites.OWN)
    assert ignored_by(stack) == {"chaos/order", "chaos/sink", *suites.OWN}
    [[containers]] = runs_of(monkeypatch, suites.CONTAINERS)
    assert folders_of(containers) == {suites.CONTAINERS}


def test_what_runs_elsewhere_of_a_suite_is_run_when_the_suite_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [[sharing], [stack, own]] = runs_of(monkeypatch, "chaos")
    assert folders_of(sharing) == {"chaos/order", "chaos/sink"}
    assert {path.partition("/")[0] for path in folders_of(own)} == {"chaos"}
    assert ignored_by(stack) == folders_of(sharing) | folders_of(own)
    [[stack, own]] = runs_of(monkeypatch, "e2e")
    assert folders_of(own) == ignored_by(stack) == {"e2e/own_stack"}
    [[stack, own]] = runs_of(monkeypatch, "browser")
    assert folders_of(own) == ignored_by(stack) == {"browser/test_playground.py"}


def test_a_failed_run_of_suites_is_told_and_the_others_are_run(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(runs_of(monkeypatch, codes=(1, 0, 0))) == 3
    assert len(runs_of(monkeypatch, codes=(0, 3, 0))) == 3


def test_the_suites_end_with_the_first_failure_that_is_asked_for_and_with_an_interruption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert len(runs_of(monkeypatch, "-x", codes=(1, 0, 0))) == 1
    assert len(runs_of(monkeypatch, codes=(0, suites.INTERRUPTED, 0))) == 2


def test_a_choice_that_leaves_a_run_without_tests_is_no_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(beside: list[list[str]]) -> list[int]:
        return [0 if "-p" in arguments else suites.NOTHING_TO_RUN for arguments in beside]

    monkeypatch.setattr(suites, "_run", run)
    assert suites.main(["-k", "registry"]) == 0
    assert suites.main(["unit", "-k", "nowhere"]) == suites.NOTHING_TO_RUN


def test_the_topics_are_those_of_the_design() -> None:
    topics = json.loads((REPOSITORY / "infra" / "kafka" / "topics.json").read_text())
    declared = {topic["name"]: (topic["partitions"], topic["config"]) for topic in topics}
    assert declared["orders"] == (6, {"retention.ms": "-1"})
    assert declared["products"] == (6, {"cleanup.policy": "compact"})
    inboxes = {name for name in declared if name.startswith("inbox.")}
    assert inboxes == {f"inbox.order-{number}" for number in range(1, ORDER_INSTANCES + 1)}
    assert all(declared[name] == (1, {"retention.ms": "-1"}) for name in inboxes)


def test_every_instance_is_home_to_some_of_the_seeded_products() -> None:
    entries = json.loads((REPOSITORY / "infra" / "docker" / "products.json").read_text())
    assert {entry["home"] for entry in entries} == set(range(1, ORDER_INSTANCES + 1))
    ids = [entry["product"]["product_id"] for entry in entries]
    assert len(set(ids)) == len(ids)


def _nothing() -> AbstractContextManager[None]:
    return nullcontext()
