"""The command line behind `./demo`."""

import argparse
import importlib
import sys
from dataclasses import dataclass

from launcher import suites


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: the module that has its `add_arguments` and `run`, imported only when it is asked for."""

    module: str
    help: str


COMMANDS = {
    "up": Command("launcher.up", "start everything, wait until it is ready, say what to try"),
    "down": Command("launcher.down", "stop everything"),
    "status": Command("launcher.status", "what runs, with pid, memory, restarts and lag"),
    "logs": Command("launcher.logs", "what the parts write, and the supervisor's diary"),
    "stop": Command("launcher.parts", "stop one part"),
    "start": Command("launcher.parts", "start a part that was stopped"),
    "restart": Command("launcher.parts", "stop and start one part"),
    "doctor": Command("launcher.doctor", "look for what could be in the way, with a remedy for each finding"),
    "kafka": Command("launcher.kafka_tools", "Kafka's own tools: topics, produce, consume, quorum, groups"),
    "load": Command("launcher.load", "send orders to every instance and measure until they are visible"),
    "audit": Command("launcher.audit", "compare every database and topic, row by row"),
    "rebuild": Command(
        "launcher.rebuild", "build the read model anew from the topics while the old one serves, then switch"
    ),
    "test": Command("launcher.suites", "run the tests, all or some suites"),
    "supervise": Command(
        "launcher.supervise", "what `up` leaves running: keep the parts alive until told to stop"
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
