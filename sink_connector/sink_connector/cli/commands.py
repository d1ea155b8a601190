"""The console command: its commands, and what `--help` says of them, without loading what they need."""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

from sink_connector.cli import arguments
from sink_connector.version import VERSION

DESCRIPTION = (
    "Kafka topics into PostgreSQL tables, exactly once; Kafka Connect's configuration, formats and REST API."
)
EPILOGUE = """\
examples:
  sink-connector quickstart people > people.json  a connector for a topic and a table, looked at and tried
  sink-connector validate people.json             what is wrong with a connector's file
  sink-connector try people.json --records 20     what it would do with 20 records, without writing anything
  sink-connector explain people.json people 0 7   what becomes of one record, step by step
  sink-connector run people.json                  run it, until SIGTERM or Ctrl-C
  sink-connector worker worker.properties         be one of a group, told over REST what to run
  sink-connector deploy people.json --url http://127.0.0.1:8083
  sink-connector dead-letters list people.json    what could not be delivered
  sink-connector COMMAND --help                   all about one of them

environment (every setting of a worker, as SINK_ and its name in capitals):
  SINK_BOOTSTRAP_SERVERS   127.0.0.1:9092   Kafka
  SINK_REST_HOST, _PORT    127.0.0.1, 8083  where /connectors, /health and /metrics answer
  SINK_LOG_LEVEL           INFO
  SINK_CONFIG_PROVIDERS                     which of env,file,directory a connector given over REST may refer to

exit codes:
    0  stopped as asked, or done
    1  something failed, or a record is bad; the last line on standard error says what
    2  asked for wrongly: arguments, a file, a setting
    3  the REST port is taken
  130  interrupted before it had begun
  141  whoever was to read its output has ended
"""
MISUSED = (2, "asked for wrongly: arguments, a file, a setting")
NO_SERVER = "the servers cannot be used"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What `--help` says about a command, and the function that gives it its arguments.

    `examples` are pairs of what stands behind `sink-connector` and what it is for.
    """

    name: str
    does: str
    text: str
    examples: tuple[tuple[str, str], ...]
    exits: tuple[tuple[int, str], ...]
    add_arguments: Callable[[argparse.ArgumentParser], None]
    module: str = ""

    def add_to(self, commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
        """Make its parser; what was asked for then has `module`, the part of `sink_connector.cli` that does it."""
        parser = commands.add_parser(
            self.name,
            help=self.does,
            description=f"{self.does[0].upper()}{self.does[1:]}.\n\n{self.text}",
            epilog=self._epilogue(),
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        parser.set_defaults(module=self.module or self.name.replace("-", "_"))
        self.add_arguments(parser)

    def _epilogue(self) -> str:
        examples = (
            f"  sink-connector {words}{f'{chr(10)}      {why}' if why else ''}"
            for words, why in self.examples
        )
        exits = (f"  {code}  {why}" for code, why in sorted((*self.exits, MISUSED)))
        return "\n".join(("examples:", *examples, "", "exit codes:", *exits))


COMMANDS = (
    Command(
        name="quickstart",
        does="print a working connector for a topic and a table",
        text="""\
Looks at the last records of the topic and at the table: finds out how keys and values are written, whether they are
Debezium's change events, which columns make the key and which fields have a column, then tries the connector with these
records in a transaction that is rolled back. The connector goes to standard output, what there is to know about it to
standard error. Nothing is written.""",
        examples=(
            ("quickstart people > people.json", "into the table `people` of the database that $TARGET names"),
            ("quickstart shop.people --table crm.people --target CRM_URL", ""),
            ("quickstart orders --registry http://127.0.0.1:8081", "records of a schema registry"),
        ),
        exits=(
            (0, "it was printed, and what was tried with it would be written"),
            (1, f"it was printed, but a record is bad; or there is none to be printed, or {NO_SERVER}"),
        ),
        add_arguments=arguments.quickstart,
    ),
    Command(
        name="run",
        does="run connectors out of JSON files until stopped",
        text="""\
One process, no group, no storage topics: what it has read stands in the target database. /health and /metrics answer
at SINK_REST_HOST and SINK_REST_PORT. SIGTERM and Ctrl-C end it once the batches in hand are written or rolled back.""",
        examples=(
            ("run people.json", ""),
            ("run people.json orders.json", "several connectors in one process"),
        ),
        exits=(
            (0, "stopped by SIGTERM or Ctrl-C"),
            (1, "a task has failed"),
            (3, "the REST port is taken"),
        ),
        add_arguments=arguments.files,
    ),
    Command(
        name="try",
        does="show what a connector would do with some records, without writing anything",
        text="""\
Reads records as the connector would and writes them to the real tables in one transaction, which is rolled back:
shows the DDL, the rows and the bad records, those that PostgreSQL refuses among them. It joins no consumer group, stores
no offset, sends no dead letter and makes no topic.

A rollback does not give back the numbers of sequences: those that went on are named. The rows and tables it touches
are locked until it ends; it waits for a lock of others two seconds at most.""",
        examples=(
            ("try people.json", "the first ten records"),
            ("try people.json --records 100 --from latest", ""),
            ("try people.json --from 0:120,1:44", "of these partitions, from these offsets on"),
            ("try people.json --from people:0:120", "with several topics"),
            ("try people.json --json | jq '.records[] | select(.result == \"bad\")'", ""),
        ),
        exits=((0, "nothing is bad"), (1, f"a record is bad, the task would fail, or {NO_SERVER}")),
        add_arguments=arguments.try_,
        module="dry_run",
    ),
    Command(
        name="explain",
        does="show what becomes of one record, step by step",
        text="""\
Shows one record's way: its bytes, what the converters make of them, what each transform changes, the row and the
statements it leads to, or where and why it stops, and whether the connector is past it already. Writes nothing: the
statements are run in a transaction that is rolled back.""",
        examples=(
            ("explain people.json people 0 7", ""),
            ("explain people.json people 0 7 --json | jq .outcome", ""),
        ),
        exits=(
            (0, "it would be written, skipped or dropped"),
            (1, f"it is bad, it is not there, or {NO_SERVER}"),
        ),
        add_arguments=arguments.explain,
    ),
    Command(
        name="validate",
        does="check connector files; unknown keys are warnings",
        text="""\
Reads what `run` and `deploy` would be given. Neither Kafka nor a database is asked: `try` does that.""",
        examples=(("validate people.json", ""), ("validate connectors/*.json", "names must differ, too")),
        exits=((0, "every file can be used"),),
        add_arguments=arguments.files,
    ),
    Command(
        name="worker",
        does="be one of a group of workers, told over REST what to run",
        text="""\
Connectors and their states are kept in compacted topics of Kafka, and partitions move between workers by Kafka's own
protocol. The properties are those of a Connect worker; a variable called SINK_ and the setting's name in capitals goes
before the file.""",
        examples=(
            ("worker worker.properties", ""),
            ("worker", "settings from the environment alone, as in a container"),
        ),
        exits=(
            (0, "stopped by SIGTERM or Ctrl-C"),
            (1, "a part of it has failed, or Kafka cannot be used"),
            (3, "the REST port is taken"),
        ),
        add_arguments=arguments.worker,
    ),
    Command(
        name="deploy",
        does="give the connectors of JSON files to a worker, over REST",
        text="""\
Makes connectors that are not there and changes those that are, then waits until their tasks run. Connect's workers take
the files in the same way.""",
        examples=(
            ("deploy people.json", ""),
            ("deploy people.json --url http://10.0.0.7:8083 --wait 120", ""),
        ),
        exits=((0, "the tasks run"), (1, "refused, failed, not running in time, or nobody answers")),
        add_arguments=arguments.deploy,
    ),
    Command(
        name="init",
        does="create the schema `sink` in a target database",
        text="""\
Only needed once, and only where the connector's own role may not create a schema. What is there stays as it is, so that
it can be run again after an upgrade.""",
        examples=(
            ("init --url postgresql://owner@db/shop", ""),
            ("init", "with the URL in $SINK_INIT_URL"),
        ),
        exits=((0, "the schema is there"), (1, "the database cannot be used")),
        add_arguments=arguments.init,
    ),
    Command(
        name="dead-letters",
        does="list, show, replay or drop the records that a connector could not deliver",
        text="""\
They stand in sink.dead_letters with their original bytes. A replay takes them the connector's way again, as the connector
is now.""",
        examples=(
            ("dead-letters list people.json", ""),
            ("dead-letters replay people.json 17 18", ""),
            ("dead-letters drop people.json --all", ""),
        ),
        exits=((0, "done"), (1, "a record stays undelivered, or the database cannot be used")),
        add_arguments=arguments.dead_letters,
    ),
    Command(
        name="completion",
        does="print a shell's completion of these commands",
        text="""\
For bash, zsh or tcsh; where each looks for it is in the examples.""",
        examples=(
            ("completion bash > ~/.local/share/bash-completion/completions/sink-connector", ""),
            ("completion zsh > ~/.zfunc/_sink-connector", "with ~/.zfunc in $fpath before compinit"),
        ),
        exits=((0, "printed"),),
        add_arguments=arguments.completion,
    ),
)


def make_parser() -> argparse.ArgumentParser:
    """What was asked for has `module`, the part of `sink_connector.cli` that does it."""
    parser = argparse.ArgumentParser(
        prog="sink-connector",
        description=DESCRIPTION,
        epilog=EPILOGUE,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"sink-connector {VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    return parser
