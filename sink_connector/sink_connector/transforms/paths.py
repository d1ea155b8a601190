"""Paths to nested fields (Connect's field syntax V2): steps joined by dots, a step with dots of its own in backticks."""


def parse_path(text: str) -> tuple[str, ...]:
    r"""The steps of a path.

    A step that begins with a backtick ends with a backtick before a dot or the end; one inside that is followed by a dot is
    written `\``. Raises ValueError for an empty path and for a backtick that is not closed.
    """
    if not text:
        raise ValueError("the path is empty")
    steps = []
    rest: str | None = text
    while rest is not None:
        step, rest = _quoted(rest) if rest.startswith("`") else _plain(rest)
        steps.append(step)
    return tuple(steps)


def _plain(text: str) -> tuple[str, str | None]:
    step, dot, rest = text.partition(".")
    return step, rest if dot else None


def _quoted(text: str) -> tuple[str, str | None]:
    """The step between the first backtick and the one that closes it, and what follows its dot."""
    step = ""
    start = 1
    while (close := text.find("`", start)) >= 0:
        escaped = text[close - 1] == "\\"
        at_end = close == len(text) - 1
        if escaped and not at_end and text[close + 1] == ".":
            step += text[start : close - 1] + "`"
        elif at_end and not escaped:
            return step + text[start:close], None
        elif not at_end and text[close + 1] == ".":
            return step + text[start:close], text[close + 2 :]
        else:
            step += text[start : close + 1]
        start = close + 1
    raise ValueError("a backtick is not closed")
