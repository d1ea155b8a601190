"""The console command `sink-connector`."""

import sys
from collections.abc import Sequence
from importlib import import_module

from sink_connector.cli.commands import make_parser
from sink_connector.errors import ConfigError, PortTakenError, SinkError

FAILED, MISUSED, PORT_TAKEN = 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command; ends with 0, 1 when something failed, 2 when it was asked for wrongly, 3 when its port is taken.

    A command's module is loaded when it is asked for: `deploy` needs a tenth of what `worker` does.
    """
    options = make_parser().parse_args(arguments)
    try:
        command = import_module(f"sink_connector.cli.{options.module}")
        sys.exit(command.run(options))
    except ConfigError as error:
        for key, problems in error.problems.items():
            for problem in problems:
                _say(f"{key} {problem}")
        sys.exit(MISUSED)
    except SinkError as error:
        _say(str(error))
        sys.exit(PORT_TAKEN if isinstance(error, PortTakenError) else FAILED)
    except KeyboardInterrupt:
        sys.exit(130)


def _say(text: str) -> None:
    print(f"sink-connector: {text}", file=sys.stderr)  # noqa: T201 - speaks to a person


if __name__ == "__main__":
    main()
