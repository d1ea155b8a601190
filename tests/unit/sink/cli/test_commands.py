"""The console command: a sentence for every mistake, and the exit code that goes with it."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from sink_connector.__main__ import main
from sink_connector.cli.commands import COMMANDS, MISUSED, make_parser
from sink_connector.version import VERSION
from tests.support.sink_rest import CONNECTOR

Write = Any


@pytest.fixture(autouse=True)
def _no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SINK_")]:
        monkeypatch.delenv(name)


def written(directory: Path, name: str, content: Any) -> str:
    path = directory / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return str(path)


def said(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code and everything that was printed."""
    with pytest.raises(SystemExit) as ended:
        main(words)
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out + printed.err


def test_the_version_and_examples_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "--version") == (0, f"sink-connector {VERSION}\n")
    code, text = said(capsys, "--help")
    assert code == 0
    for word in ("sink-connector run people.json", "SINK_BOOTSTRAP_SERVERS", "exit codes"):
        assert word in text


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_says_what_it_does_with_examples_that_parse_and_with_its_exit_codes(
    command: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = said(capsys, command.name, "--help")
    assert code == 0
    assert command.text in text
    for words, _ in command.examples:
        assert f"  sink-connector {words}\n" in text
        arguments = shlex.split(words.split(" | ")[0].split(" > ")[0])
        assert make_parser().parse_args(arguments).command == command.name
    for exit_code, reason in (*command.exits, MISUSED):
        assert f"  {exit_code}  {reason}\n" in text
    assert 0 in dict(command.exits)


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_the_completion_of_a_shell_has_every_command(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("shtab")
    code, script = said(capsys, "completion", shell)
    assert code == 0
    for command in COMMANDS:
        assert command.name in script


def test_bash_completes_commands_and_the_names_of_files(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    pytest.importorskip("shtab")
    written(tmp_path, "people.json", {})
    completion = written(tmp_path, "completion", said(capsys, "completion", "bash")[1])
    program = f"""
        source {completion}
        at() {{ COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=(); _shtab_sink_connector; echo "${{COMPREPLY[@]}}"; }}
        at sink-connector quick; at sink-connector run peo; at sink-connector try people.json --re
    """
    completed = subprocess.run(
        ["bash", "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert completed.stdout.split() == ["quickstart", "people.json", "--records"]


def test_without_its_extra_a_completion_is_one_sentence_and_1(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    code, text = said(capsys, "completion", "bash")
    assert code == 1
    assert text.startswith("sink-connector: needs the extra sink-connector[completion]")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("[]", "must hold an object"),
        ("5", "must hold an object"),
        ('{"config": 5}', "must hold an object"),
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ({"name": "c", "config": {**CONNECTOR, "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnectorr"}},
         "did you mean io.confluent.connect.jdbc.JdbcSinkConnector"),
        ({"name": "c", "config": {**CONNECTOR, "batch.size": "many"}}, "batch.size is 'many'"),
        ({"name": "a\nb", "config": CONNECTOR}, "name holds a control character"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "command", ["validate {}", "run {}", "dead-letters list {}", "try {}", "explain {} t 0 0"]
)
def test_a_file_that_cannot_be_used_is_one_sentence_and_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, content: Any, reason: str, command: str
) -> None:
    file = written(tmp_path, "c.json", content)
    code, text = said(capsys, *(word.format(file) for word in command.split()))
    assert code == 2
    assert reason in text
    assert "Traceback" not in text


@pytest.mark.parametrize("command", ["validate", "run", "dead-letters list", "try"])
def test_a_file_is_checked_with_the_workers_converters(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("SINK_VALUE_CONVERTER", "io.confluent.connect.avro.AvroConverter")
    file = written(tmp_path, "c.json", {"name": "c", "config": CONNECTOR})
    code, text = said(capsys, *command.split(), file)
    assert (code, "schema.registry.url is required" in text) == (2, True)


def test_a_missing_file_is_one_sentence_and_2(capsys: pytest.CaptureFixture[str]) -> None:
    for command in (["validate"], ["run"], ["deploy"], ["dead-letters", "list"], ["try"]):
        code, text = said(capsys, *command, "/nowhere.json")
        assert (code, "No such file" in text, "Traceback" in text) == (2, True, False)


def test_validate_allows_what_the_file_refers_to_and_has_no_follow_up_errors(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(
        tmp_path, "c.json", {"name": "c", "config": {**CONNECTOR, "connection.url": "${env:MY_DB}"}}
    )
    code, text = said(capsys, "validate", file)
    assert code == 2
    assert (
        text.strip() == f"{file}: error: connection.url ${{env:MY_DB}}: this environment variable is not set"
    )
    monkeypatch.setenv("MY_DB", "postgresql://h/d")
    assert said(capsys, "validate", file) == (0, f"{file}: ok\n")


def test_what_has_no_effect_is_warned_of_with_what_may_have_been_meant(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = {
        **CONNECTOR,
        "auto.creat": "true",
        "producer.override.acks": "1",
        "truncate.enabled": "true",
        "connection.url": "jdbc:postgresql://h/d?targetServerTyp=primary",
    }
    code, text = said(capsys, "validate", written(tmp_path, "c.json", {"name": "c", "config": config}))
    assert code == 0
    for warning in (
        "auto.creat is not known; it has no effect; did you mean auto.create?",
        "producer.override.acks has no effect here: the worker's own settings are used",
        "truncate.enabled has no effect",
        "targetServerTyp, which is not known",
    ):
        assert warning in text


def test_one_name_twice_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    files = [written(tmp_path, name, {"name": "c", "config": CONNECTOR}) for name in ("a.json", "b.json")]
    for command in ("validate", "run"):
        for pair in (files, [files[0]] * 2):
            code, text = said(capsys, command, *pair)
            assert (code, "'c'" in text) == (2, True)


@pytest.mark.parametrize("number", ["0", str(2**63), "9" * 400])
@pytest.mark.parametrize("action", ["list", "show", "replay", "drop"])
def test_a_dead_letter_of_an_impossible_number_is_one_sentence_and_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, action: str, number: str
) -> None:
    file = written(tmp_path, "c.json", {"name": "c", "config": CONNECTOR})
    code, text = said(capsys, "dead-letters", action, file, number)
    assert (code, text.startswith(f"sink-connector: ID is {number}, and"), len(text.splitlines())) == (
        2,
        True,
        1,
    )


@pytest.mark.parametrize("command", ["run", "deploy"])
def test_of_several_files_each_wrong_one_is_named_with_all_that_is_wrong(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    good = written(tmp_path, "good.json", {"name": "a", "config": CONNECTOR})
    nameless = written(tmp_path, "nameless.json", {"config": CONNECTOR})
    listed = written(tmp_path, "listed.json", {"name": "b", "config": {**CONNECTOR, "topics": ["x"]}})
    missing = str(tmp_path / "missing.json")
    code, text = said(capsys, command, good, nameless, listed, missing, good)
    assert code == 2
    assert text.splitlines() == [
        f"sink-connector: {nameless}: name is required",
        f"sink-connector: {listed}: topics is no text, number, true or false; several values are one text, with commas between them",
        f"sink-connector: {missing} cannot be read: No such file or directory",
        f"sink-connector: {good}: name is 'a', and so it is in {good}",
    ]


def piped(words: list[str], **environment: str) -> tuple[int, str]:
    """Exit code and standard error of a command of which nobody reads the standard output."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "sink_connector", *words]
    ended = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        env={**os.environ, **environment},
    )  # fmt: skip
    os.close(writing)
    return ended.returncode, ended.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["at its end", "at once"])
@pytest.mark.parametrize("words", [["--help"], ["--version"], ["try", "--help"], ["validate", "c.json"]])
def test_a_command_that_nobody_reads_ends_quietly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], unbuffered: str
) -> None:
    written(tmp_path, "c.json", {"name": "c", "config": CONNECTOR})
    monkeypatch.chdir(tmp_path)
    code, text = piped(words, PYTHONUNBUFFERED=unbuffered)
    assert (code in {141, 0 if words[-1].startswith("--") else 141}, text) == (
        True,
        "",
    )  # argparse does not mind


def test_a_process_whose_log_nobody_reads_is_asked_to_stop() -> None:
    program = """
import signal, sys
from sink_connector.logs import configure_logging
import structlog
asked = []
signal.signal(signal.SIGTERM, lambda *_: asked.append("stop"))
configure_logging("INFO")
for _ in range(3):
    structlog.get_logger("sink_connector.x").info("line")
print(asked, file=sys.stderr)
"""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-c", program]
    ended = subprocess.run(
        command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False, timeout=60
    )
    os.close(writing)
    assert (ended.returncode, ended.stderr) == (0, "['stop']\n")


def test_what_a_terminal_has_no_letters_for_is_written_all_the_same(tmp_path: Path) -> None:
    file = written(tmp_path, "ä.json", {"name": "ä", "config": CONNECTOR})
    command = [sys.executable, "-m", "sink_connector", "validate", file]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.endswith("\\xe4.json: ok\n")


def test_an_output_that_takes_nothing_is_one_sentence_and_1(tmp_path: Path) -> None:
    file = written(tmp_path, "c.json", {"name": "c", "config": CONNECTOR})
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        command = [sys.executable, "-m", "sink_connector", "validate", file]
        ended = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60
        )
    assert (ended.returncode, ended.stderr.splitlines()) == (
        1,
        ["sink-connector: cannot go on: [Errno 28] No space left on device"],
    )


@pytest.mark.parametrize(
    "url", ["nonsense", "ftp://x", "http://", "http://[", "http://h:x", "http://h:99999", "http://a..b"]
)
def test_deploying_to_what_is_no_url_is_one_sentence_and_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, url: str
) -> None:
    file = written(tmp_path, "c.json", {"name": "c", "config": CONNECTOR})
    code, text = said(capsys, "deploy", file, "--url", url)
    assert (code, "--url" in text, "Traceback" in text) == (2, True, False)


def test_waiting_for_no_number_of_seconds_is_one_sentence_and_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = written(tmp_path, "c.json", {"name": "c", "config": CONNECTOR})
    code, text = said(capsys, "deploy", file, "--wait", "nan")
    assert (code, text.strip()) == (2, "sink-connector: --wait is no number of seconds")


def test_deploying_where_nobody_answers_is_one_sentence_and_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = written(tmp_path, "c.json", {"name": "c", "config": CONNECTOR})
    code, text = said(capsys, "deploy", file, "--url", "http://127.0.0.1:1", "--wait", "0")
    assert code == 1
    assert text.strip() == "sink-connector: http://127.0.0.1:1 did not take the configuration of c within 0 s"


@pytest.mark.parametrize(
    ("url", "code"),
    [("nonsense", 2), ("mysql://h/d", 2), ("postgresql://u:geheim@127.0.0.1:1/d", 1), ("", 2)],
)
def test_init_on_what_is_no_database_is_one_sentence(
    capsys: pytest.CaptureFixture[str], url: str, code: int
) -> None:
    ended, text = said(capsys, "init", "--url", url)
    assert ended == code
    assert len(text.strip().splitlines()) == 1
    assert "geheim" not in text


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("bootstrap.servers=", "SINK_BOOTSTRAP_SERVERS"),
        ("rest.port=many", "rest.port is 'many'"),
        ("listeners=https://0.0.0.0:8443", "https"),
        ("rest.extension.classes=BasicAuth", "rest.extension.classes"),
        ("config.providers=vault", "config.providers.vault.class"),
        ("listeners=http://[::1", "listeners is"),
        ("log.level=LOUD", "log.level is 'LOUD'"),
        ("bootstrap.servers=a:b", "bootstrap.servers is 'a:b'"),
    ],
)
def test_settings_that_cannot_be_used_are_one_sentence_and_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, line: str, reason: str
) -> None:
    code, text = said(capsys, "worker", written(tmp_path, "w.properties", f"{line}\n"))
    assert (code, reason in text, "Traceback" in text) == (2, True, False)


@pytest.mark.parametrize(
    "words", [["--records", "0"], ["--records", "100001"], ["--records", "ten"], ["--from"], ["--unknown"]]
)
def test_a_dry_run_that_is_asked_for_wrongly_is_2(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str]
) -> None:
    file = written(tmp_path, "c.json", {"name": "c", "config": CONNECTOR})
    code, text = said(capsys, "try", file, *words)
    assert (code, "Traceback" in text) == (2, False)


@pytest.mark.parametrize("topic", ["a,b", "a b", "", "ä", "x" * 250])
def test_a_quickstart_for_what_can_be_no_topic_is_one_sentence_and_2(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, topic: str
) -> None:
    monkeypatch.setenv("TARGET", "postgresql://h/d")
    code, text = said(capsys, "quickstart", topic)
    assert (code, len(text.strip().splitlines()), "TOPIC" in text) == (2, 1, True)


@pytest.mark.parametrize("words", [["try"], ["explain", "t", "0", "0"]])
def test_looking_where_no_broker_answers_is_one_sentence_and_1(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("SINK_BOOTSTRAP_SERVERS", "127.0.0.1:1")
    config = {**CONNECTOR, "topics": "t"}
    config.pop("topics.regex", None)
    file = written(tmp_path, "c.json", {"name": "c", "config": config})
    code, text = said(capsys, words[0], file, *words[1:])
    assert code == 1
    assert len(text.strip().splitlines()) == 1
    assert "Kafka cannot be used" in text


def test_being_interrupted_while_a_command_is_still_loaded_is_130_without_a_trace(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("sink_connector.__main__.import_module", interrupted)
    assert said(capsys, "validate", "c.json") == (130, "")
