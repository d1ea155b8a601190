"""The stack that runs now in this home, described from outside its supervisor."""

from demo.errors import NotRunningError
from demo.home import Home
from demo.stack import Stack
from demo.supervisor import record
from demo.supervisor.record import Record


def running_record(home: Home) -> Record:
    """What the supervisor of `home` has written down.

    Raises:
        NotRunningError: none runs. One sentence for every command.
    """
    found = record.running(home)
    if found is not None:
        return found
    if left := record.leftovers(home):
        raise NotRunningError(orphaned(len(left)))
    raise NotRunningError(f"nothing runs in {home.root}; `./demo up` starts the stack")


def orphaned(parts: int) -> str:
    """The sentence about a stack whose supervisor is gone while `parts` of it still run."""
    return (
        f"the supervisor is gone, {parts} part(s) of its stack still run: nothing restarts them. "
        "`./demo up` ends them and starts again, `./demo down` ends them"
    )


def running_stack() -> Stack:
    """Describe the stack of `$DEMO_HOME`.

    Raises:
        NotRunningError: it does not run.
    """
    home = Home.from_environment()
    found = running_record(home)
    return Stack.of(
        home=home,
        ports=found.ports,
        brokers=found.brokers,
        classpath="",
        observe=found.observe,
        secure=found.secure,
        playground=found.playground,
    )
