"""The command line behind `./demo`."""

import argparse
import importlib
import sys
from dataclasses import dataclass

try:
    from auditor.endings import ended_quietly
    from demo.cli import suites
    from demo.errors import CommandError
    from devservers.ports import PortOffsetError
    from devservers.private_files import UnsafeFileError
except KeyboardInterrupt:  # Ctrl-C before there is what ends a command quietly
    sys.exit(130)


@dataclass(frozen=True, slots=True)
class Command:
    """A subcommand: the module that has its `add_arguments` and `run`, imported only when it is asked for.

    `help` is its line in the list of commands, none for what no person types; `description` is what `--help` says.
    """

    module: str
    help: str | None
    description: str = ""


COMMANDS = {
    "up": Command(
        "demo.cli.up",
        "start everything, wait until it is ready, say what to try",
        "Start the whole stack and return once every part is ready. It keeps running until `./demo down`; a part that "
        "dies is restarted. On a stack that is up already nothing changes.",
    ),
    "down": Command(
        "demo.cli.down",
        "stop everything",
        "Stop every part in order. Data, passwords and logs stay, unless --volumes erases them.",
    ),
    "token": Command(
        "demo.cli.token",
        "an access token of a secure stack, and curl made ready for it",
        "Print an access token of a stack that runs with --secure, and write `.demo/client/.curlrc`, by which curl speaks "
        "https to it with that token when CURL_HOME names the folder.",
    ),
    "status": Command(
        "demo.cli.status",
        "what runs, with pid, memory, restarts and lag",
        "Show every part with its state, process, memory and restarts, and how far the read side is behind. Exit code 0: "
        "everything is ready, 1: something is not, 3: nothing runs.",
    ),
    "logs": Command(
        "demo.cli.logs",
        "what the parts write, and the supervisor's event log",
        "Print the logs of every part or of one: the last 20 lines of each, all of a single one.",
    ),
    "stop": Command(
        "demo.cli.parts",
        "stop one part",
        "Stop one part and keep it stopped, to see what the others do without it.",
    ),
    "start": Command(
        "demo.cli.parts",
        "start a part that was stopped",
        "Start a part that was stopped and wait until it is ready.",
    ),
    "restart": Command(
        "demo.cli.parts",
        "stop and start one part",
        "Stop one part, start it again and wait until it is ready.",
    ),
    "doctor": Command(
        "demo.doctor",
        "look for what could be in the way, with a remedy for each finding",
        "Look at everything the stack needs of this machine and say what is in the way and what helps. Changes nothing.",
    ),
    "kafka": Command(
        "demo.cli.kafka_tools",
        "Kafka's own tools: topics, produce, consume, quorum, groups",
        "Run one of the command-line tools that come with Kafka against the brokers of the stack.",
    ),
    "load": Command(
        "demo.cli.load",
        "send orders to every instance and measure until they are visible",
        "Send orders at a steady rate to every order instance in turn, and measure for each how soon it is answered and "
        "how soon a query sees it. Ctrl-C ends it with a summary of what was sent.",
    ),
    "audit": Command(
        "demo.cli.audit",
        "compare every database and topic, row by row",
        "Read the write databases, the topics and the read database and ask of each invariant whether it holds. Exit "
        "code 0: it is all the same, 1: it is not, 2: something could not be read, 3: nothing runs.",
    ),
    "chaos": Command(
        "demo.cli.chaos",
        "mixed faults under load from a seeded schedule, healed at the end and judged",
        "Let customers work on the running stack, break it by a schedule that the seed decides, heal it, wait until all "
        "has arrived, and ask the auditor and the history of what the customers saw whether every promise was kept. Exit "
        "code 0: it was, 1: it was not, 2: it could not be judged, 3: nothing runs.",
    ),
    "fault": Command(
        "demo.cli.fault",
        "one fault by hand: kill, pause, stop, cut, lock; with --playground also links",
        "Break one thing of the running stack for a while, and take it back. Without a name, everything that can be broken "
        "is listed; links can on a stack that is up with --playground.",
    ),
    "anomaly": Command(
        "demo.cli.anomaly",
        "a wrong design beside the right one, on this Kafka and this PostgreSQL, and how it is caught",
        "Run a design that is wrong on purpose, then the right one, through the same mishap: dual write, offsets before rows, "
        "no version guard and others. Each has a database and a topic of its own; the stack's data stays as it is. Exit code "
        "0: the wrong one was caught and the right one is clean.",
    ),
    "trace": Command(
        "demo.cli.trace",
        "one order's journey: what it caused at which instance, in which topic, and who has read it",
        "Show every record that an order caused, in the order of commits: the time since the command, the instance, the "
        "event or message, its place in Kafka, how much later it was there, and which connectors have read it.",
    ),
    "tour": Command(
        "demo.cli.tour",
        "ten steps through the running stack, each with a real command and what to notice",
        "Walk through what CQRS with Kafka gives and costs, in ten steps on the stack of `./demo up`. Enter runs a step, "
        "`q` leaves it; the next `./demo tour` goes on there.",
    ),
    "dead-letters": Command(
        "demo.cli.dead_letters",
        "records that a connector could not write: list, show, replay, drop",
        "Run `sink-connector dead-letters` on a connector of the running stack: list what it could not write, show it whole, "
        "write it again once the cause is gone, or drop it.",
    ),
    "rebuild": Command(
        "demo.cli.rebuild",
        "build the read model again from the topics while the old one serves, then switch",
        "Fill empty tables from the topics beside those that serve, compare them with the topics, and put them in their "
        "place in one transaction. Until then nothing changes; Ctrl-C leaves everything as it was.",
    ),
    "build": Command(
        "demo.cli.build",
        "build the sink connector's packages: a wheel and a source distribution",
        "Build the sink connector as a wheel and a source distribution. The same sources give the same bytes.",
    ),
    "docs": Command(
        "demo.cli.docs",
        "build the guide, which the catalog shows at /guide",
        "Build the guide out of `docs/` as static pages. Its tools are installed first, once, in an environment of their own. "
        "A stack that runs shows the new pages at once; without --check an unsound link is a warning.",
    ),
    "test": Command("demo.cli.suites", "run the tests, all or some suites"),
    "playground": Command(
        "demo.cli.playground", None, "The control behind the switches of `up --playground`."
    ),
    "supervise": Command("demo.cli.supervise", None, "What `up` leaves running: keeps the parts alive."),
}


def main(words: list[str]) -> int:
    """Run the subcommand in `words`; gives the exit code. What keeps it from its work is said in one sentence."""
    try:
        if words[:1] == ["test"]:  # not parsed: what is no suite is pytest's
            return suites.main(words[1:])
        args = _parser(words).parse_args(words)
        return int(importlib.import_module(COMMANDS[args.command].module).run(args))
    except CommandError as error:
        print(f"demo {words[0]}: {error}", file=sys.stderr)
        return error.exit_code
    except PortOffsetError as error:
        print(f"demo {words[0]}: {error}", file=sys.stderr)
        return 2
    except UnsafeFileError as error:
        print(f"demo {words[0]}: {error}", file=sys.stderr)
        return 1


def _parser(words: list[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="demo", description="One picture from many databases, on one machine."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        if command.help is None:
            if words[:1] != [name]:
                continue
            subparser = commands.add_parser(name, description=command.description)
        else:
            subparser = commands.add_parser(name, help=command.help, description=command.description)
        if words[:1] == [name]:
            importlib.import_module(command.module).add_arguments(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(ended_quietly(lambda: main(sys.argv[1:])))
