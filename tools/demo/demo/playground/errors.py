"""Why the playground does not do what it is asked; each with the status and the type of its problem document."""


class PlaygroundError(Exception):
    """The message is for people."""

    status = 422
    kind = "playground-refused"


class BusyError(PlaygroundError):
    """It does something else that has to end first."""

    status = 409
    kind = "playground-busy"
