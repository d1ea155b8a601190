"""What the subcommands make of their arguments, and what they print."""

import argparse
import json
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

from demo import seed
from demo.__main__ import COMMANDS, main
from demo.cli import kafka_tools, logs, status, suites
from demo.home import REPOSITORY, Home
from devservers.ports import ORDER_INSTANCES


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
        assert "usage: demo" in capsys.readouterr().out, name


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


def test_without_a_suite_all_are_run_but_the_one_in_containers(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[str] = []
    monkeypatch.chdir(REPOSITORY)
    monkeypatch.setattr(suites, "become", lambda *words: run.extend(words))
    suites.main(["-x"])
    folders = {Path(word).name for word in run if Path(word).parent == suites.TESTS}
    assert folders == set(suites.SUITES) - {suites.CONTAINERS}
    run.clear()
    suites.main([suites.CONTAINERS])
    assert run[-1] == str(suites.TESTS / suites.CONTAINERS)


def test_the_topics_are_those_of_the_design() -> None:
    topics = json.loads((REPOSITORY / "infra" / "kafka" / "topics.json").read_text())
    declared = {topic["name"]: (topic["partitions"], topic["config"]) for topic in topics}
    assert declared["orders"] == (6, {"retention.ms": "-1"})
    assert declared["products"] == (6, {"cleanup.policy": "compact"})
    inboxes = {name for name in declared if name.startswith("inbox.")}
    assert inboxes == {f"inbox.order-{number}" for number in range(1, ORDER_INSTANCES + 1)}
    assert all(declared[name] == (1, {"retention.ms": "-1"}) for name in inboxes)


def test_every_instance_is_home_to_some_of_the_catalogue() -> None:
    entries = seed.catalogue()
    assert {entry["home"] for entry in entries} == set(range(1, ORDER_INSTANCES + 1))
    ids = [entry["product"]["product_id"] for entry in entries]
    assert len(set(ids)) == len(ids)


def _nothing() -> AbstractContextManager[None]:
    return nullcontext()
