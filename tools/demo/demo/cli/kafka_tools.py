"""`./demo kafka …`: Kafka's own command-line tools against the running stack."""

import argparse
import asyncio

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from demo.compose.kafka_tools import become_tool
from demo.compose.stack import ComposeStack
from demo.errors import CommandError, NotRunningError
from demo.home import Home
from demo.running_stack import running_record, running_stack
from demo.security import StackSecurity, kafka_options
from devservers.jars import Jars
from devservers.ports import HOST
from devservers.process import become

TOPICS = "org.apache.kafka.tools.TopicCommand"
PRODUCER = "org.apache.kafka.tools.ConsoleProducer"
CONSUMER = "org.apache.kafka.tools.consumer.ConsoleConsumer"
QUORUM = "org.apache.kafka.tools.MetadataQuorumCommand"
PERFORMANCE = "org.apache.kafka.tools.ProducerPerformance"
GROUPS = "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand"


_LOOK_UP_TIMEOUT_MS = 10_000


class UnknownNameError(CommandError):
    """A topic or a consumer group that does not exist."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of `kafka`."""
    parser.add_argument("--compose", action="store_true", help="on the stack in containers")
    tools = parser.add_subparsers(dest="tool", required=True)
    topics = tools.add_parser("topics", help="create, list, describe, delete").add_subparsers(
        dest="action", required=True
    )
    create = topics.add_parser("create", help="replicated to every broker unless told otherwise")
    create.add_argument("name")
    create.add_argument("--partitions", type=int, default=1)
    create.add_argument("--replication-factor", type=int)
    topics.add_parser("list")
    for action in ("describe", "delete"):
        topics.add_parser(action).add_argument("name")
    produce = tools.add_parser("produce", help="one record per line of standard input")
    produce.add_argument("name")
    consume = tools.add_parser("consume", help="print records until Ctrl-C or --max-messages")
    consume.add_argument("name")
    consume.add_argument("--from-beginning", action="store_true")
    consume.add_argument("--max-messages", type=int)
    perf = tools.add_parser(
        "perf", help="how many records a producer gets in per second, with and without batches"
    )
    perf.add_argument("name")
    perf.add_argument("--records", type=int, default=20_000, metavar="N", help="how many (20000)")
    perf.add_argument("--size", type=int, default=100, metavar="BYTES", help="of each (100)")
    perf.add_argument("--no-batching", action="store_true", help="every record is a batch of its own")
    tools.add_parser("quorum", help="who is the controller, who follows, how far behind")
    groups = tools.add_parser("groups", help="consumer groups; with a name, its partitions and lag")
    groups.add_argument("name", nargs="?")


def run(args: argparse.Namespace) -> int:
    """Become the tool: this does not return once Java runs.

    Raises:
        NotRunningError: no stack runs.
        UnknownNameError: a topic or group that is asked about does not exist.
    """
    if args.compose:
        return _run_in_container(args)
    home = Home.from_environment()
    found = running_record(home)
    bootstrap = ",".join(f"{HOST}:{found.ports.broker(node)}" for node in range(1, found.brokers + 1))
    security = running_stack().security
    asyncio.run(require_known(args, bootstrap, security))
    tool, *words = tool_words(args, brokers=found.brokers)
    if security:
        words += ["--command-config", str(security.java_client_file())]
    log4j = home.data / "kafka" / "log4j2.properties"
    options = (
        "-Xmx128m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        f"-Dlog4j2.configurationFile={log4j}",
    )
    return become(Jars.java(), *options, "-cp", Jars.resolve(), tool, "--bootstrap-server", bootstrap, *words)


def _run_in_container(args: argparse.Namespace) -> int:
    stack = ComposeStack.running()
    asyncio.run(require_known(args, stack.bootstrap))
    tool, *words = tool_words(args, brokers=len(stack.brokers))
    return become_tool(stack, tool=tool, words=words)


async def require_known(
    args: argparse.Namespace, bootstrap: str, security: StackSecurity | None = None
) -> None:
    """Kafka's tools wait for ever for a topic that is missing, and call a missing group a success.

    Raises:
        UnknownNameError: the topic or group does not exist; the message says which there are.
    """
    name = getattr(args, "name", None)
    if name is None or getattr(args, "action", "") == "create":
        return
    admin = AIOKafkaAdminClient(
        bootstrap_servers=bootstrap, request_timeout_ms=_LOOK_UP_TIMEOUT_MS, **kafka_options(security)
    )
    try:
        await admin.start()
        kind = "group" if args.tool == "groups" else "topic"
        known = await _groups(admin) if kind == "group" else set(await admin.list_topics())
    except KafkaError as error:
        raise NotRunningError(f"no broker answers ({error}); see `./demo status`") from error
    finally:
        await admin.close()
    if name not in known:
        there = ", ".join(sorted(known)) or "none"
        raise UnknownNameError(f"no {kind} is called {name!r}; there are: {there}")


async def _groups(admin: AIOKafkaAdminClient) -> set[str]:
    return {group[0] for group in await admin.list_consumer_groups()}


def tool_words(args: argparse.Namespace, *, brokers: int) -> list[str]:
    """The tool's class and its arguments, without the address."""
    match args.tool:
        case "topics":
            return [TOPICS, *_topics_words(args, brokers=brokers)]
        case "produce":
            return [PRODUCER, "--topic", args.name]
        case "consume":
            limit = ["--max-messages", str(args.max_messages)] if args.max_messages else []
            start = ["--from-beginning"] if args.from_beginning else []
            return [CONSUMER, "--topic", args.name, *start, *limit]
        case "perf":
            return [PERFORMANCE, *_performance_words(args)]
        case "quorum":
            return [QUORUM, "describe", "--status"]
        case _:
            return [GROUPS, "--describe", "--group", args.name] if args.name else [GROUPS, "--list"]


def _performance_words(args: argparse.Namespace) -> list[str]:
    amount = ["--num-records", str(args.records), "--record-size", str(args.size), "--throughput", "-1"]
    batch = ("batch.size=0", "linger.ms=0") if args.no_batching else ("batch.size=16384", "linger.ms=5")
    return ["--topic", args.name, *amount, "--command-property", "acks=all", *batch]


def _topics_words(args: argparse.Namespace, *, brokers: int) -> list[str]:
    if args.action == "list":
        return ["--list"]
    words = [f"--{args.action}", "--topic", args.name]
    if args.action == "create":
        replicas = args.replication_factor or brokers
        words += ["--partitions", str(args.partitions), "--replication-factor", str(replicas)]
    return words
