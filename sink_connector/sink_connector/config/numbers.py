"""Whole numbers as Java reads them."""

import re

_WHOLE = re.compile(r"[+-]?\d+")
_MOST_CHARACTERS = 32  # beyond every bound, and read in no time


def whole_number(text: str) -> int:
    """The number that a text is, without the underscores that Python allows. Raises `ValueError`."""
    if not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is no whole number")
    return int(text[:_MOST_CHARACTERS])
