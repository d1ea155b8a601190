"""Failures of the database, named by what to do about them."""


class StorageUnavailableError(Exception):
    """The database did not do it; it may do it later. Whether a commit under way happened is unknown."""


class TooManyWaitingError(StorageUnavailableError):
    """More work waits for the database than it can do in a reasonable time."""
