"""The sink connector's own command line, as it is run on a stack."""

import sys
from collections.abc import Mapping
from pathlib import Path

from demo.environment import own_settings
from demo.home import REPOSITORY
from demo.stack import Stack

CONNECTORS = REPOSITORY / "infra" / "connectors"


def connector_names() -> tuple[str, ...]:
    """The connectors that every stack has."""
    return tuple(sorted(path.stem for path in CONNECTORS.glob("*.json")))


def dead_letters_command(action: str, connector: str, *words: str) -> tuple[str, ...]:
    """`sink-connector dead-letters ACTION` for a connector of the stack; `words` are ids and options."""
    program = Path(sys.executable).with_name("sink-connector")
    return (str(program), "dead-letters", action, str(CONNECTORS / f"{connector}.json"), *words)


def sink_environment(stack: Stack) -> Mapping[str, str]:
    """What its commands need to reach the databases and brokers of the stack."""
    return {
        **own_settings("SINK_"),
        "SINK_DATABASE_URL": stack.read.sink_dsn,
        "SINK_TOPIC_PREFIX": "",
        "SINK_BOOTSTRAP_SERVERS": stack.bootstrap,
        **(stack.security.sink_client_env() if stack.security else {}),
    }
