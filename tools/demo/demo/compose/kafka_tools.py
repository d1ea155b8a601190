"""`./demo kafka --compose …`: the tools of the broker's own image, run in the container of a broker."""

import shutil
import sys
from collections.abc import Sequence
from typing import NoReturn

from demo.compose.stack import ComposeStack
from demo.errors import NotRunningError
from devservers.process import become

_SCRIPTS = {
    "TopicCommand": "kafka-topics.sh",
    "ConsoleProducer": "kafka-console-producer.sh",
    "ConsoleConsumer": "kafka-console-consumer.sh",
    "MetadataQuorumCommand": "kafka-metadata-quorum.sh",
    "ConsumerGroupCommand": "kafka-consumer-groups.sh",
}
_BROKER_PORT = 19092


def become_tool(stack: ComposeStack, *, tool: str, words: Sequence[str]) -> NoReturn:
    """Become the script of the Java class `tool`. Raises NotRunningError when no broker runs."""
    docker = shutil.which("docker")
    if docker is None or not stack.brokers:
        raise NotRunningError("no broker runs in a container")
    # A terminal inside as well, or Ctrl-C would end this process alone and leave the tool behind.
    streams = "-it" if sys.stdin.isatty() and sys.stdout.isatty() else "-i"
    # The broker's own memory stands in the container's environment; a tool beside it must do with less.
    heap = "KAFKA_HEAP_OPTS=-Xmx96m"
    bootstrap = ",".join(f"{broker.service}:{_BROKER_PORT}" for broker in stack.brokers)
    script = f"/opt/kafka/bin/{_SCRIPTS[tool.rpartition('.')[2]]}"
    become(
        docker, "exec", streams, "--env", heap, stack.brokers[0].id,
        script, "--bootstrap-server", bootstrap, *words,
    )  # fmt: skip
