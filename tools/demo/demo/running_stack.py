"""The stack that runs now in this home, described from outside its supervisor."""

from demo.home import Home
from demo.stack import Stack
from demo.supervisor.control import NotRunningError
from demo.supervisor.record import running


def running_stack() -> Stack:
    """Describe it by `$DEMO_HOME`. Raises NotRunningError."""
    home = Home.from_environment()
    record = running(home)
    if record is None:
        raise NotRunningError(f"nothing runs in {home.root}; start it with ./demo up")
    return Stack.of(home=home, ports=record.ports, brokers=record.brokers, classpath="")
