"""The command line behind `./demo`."""

import argparse
import importlib
import sys
from dataclasses import dataclass

from demo.cli import suites


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: the module that has its `add_arguments` and `run`, imported only when it is asked for."""

    module: str
    help: str


COMMANDS = {
    "up": Command("demo.cli.up", "start everything, wait until it is ready, say what to try"),
    "down": Command("demo.cli.down", "stop everything"),
    "status": Command("demo.cli.status", "what runs, with pid, memory, restarts and lag"),
    "logs": Command("demo.cli.logs", "what the parts write, and the supervisor's diary"),
    "stop": Command("demo.cli.parts", "stop one part"),
    "start": Command("demo.cli.parts", "start a part that was stopped"),
    "restart": Command("demo.cli.parts", "stop and start one part"),
    "doctor": Command("demo.doctor", "look for what could be in the way, with a remedy for each finding"),
    "kafka": Command("demo.cli.kafka_tools", "Kafka's own tools: topics, produce, consume, quorum, groups"),
    "load": Command("loadgen.cli", "send orders to every instance and measure until they are visible"),
    "audit": Command("auditor", "compare every database and topic, row by row"),
    "rebuild": Command(
        "rebuild", "build the read model anew from the topics while the old one serves, then switch"
    ),
    "test": Command("demo.cli.suites", "run the tests, all or some suites"),
    "supervise": Command(
        "demo.supervisor.daemon", "what `up` leaves running: keep the parts alive until told to stop"
    ),
}


def main(words: list[str]) -> int:
    """Run the subcommand in `words`; gives the exit code."""
    if words[:1] == ["test"]:  # not parsed: what is no suite is pytest's
        return suites.main(words[1:])
    parser = argparse.ArgumentParser(
        prog="demo", description="One picture from many databases, on one machine."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        subparser = commands.add_parser(name, help=command.help)
        if words[:1] == [name]:
            importlib.import_module(command.module).add_arguments(subparser)
    args = parser.parse_args(words)
    return int(importlib.import_module(COMMANDS[args.command].module).run(args))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
