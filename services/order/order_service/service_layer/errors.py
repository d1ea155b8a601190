"""Failures of the database, named by what to do about them."""


class StorageError(Exception):
    """The database did not do what it was asked."""


class StorageUnavailableError(StorageError):
    """It may do it later. Whether a commit in progress happened is unknown."""


class TooManyWaitingError(StorageUnavailableError):
    """More work waits for the database than it can do in a reasonable time. Nothing was changed."""


class WriteRefusedError(StorageError):
    """It will never store these values; nothing was changed. Repeating the same is of no use."""


class WriteConflictError(StorageError):
    """Another process wrote the same rows first; nothing was changed. Decide again on fresh state."""
