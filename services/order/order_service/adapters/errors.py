"""Failures of the database, named by what to do about them."""


class StorageUnavailable(Exception):  # noqa: N818 - what is the case, not what went wrong
    """The database did not do it; it may do it later. Whether a commit under way happened is unknown."""


class TooManyWaiting(StorageUnavailable):
    """More work waits for the database than it can do in a reasonable time."""
