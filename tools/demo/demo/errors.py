"""What keeps a command from doing its work, each with the exit code it ends with."""


class CommandError(RuntimeError):
    """A command cannot do what it is asked; the message is the sentence that a person reads."""

    exit_code = 1


class NotRunningError(CommandError):
    """No stack runs, or its supervisor does not answer; the message says so and what starts one."""

    exit_code = 3  # as `systemctl status` has it


class UsageError(CommandError):
    """The command line or a setting asks for what cannot be."""

    exit_code = 2
