"""SQLite's errors, named by what to do about them."""

import contextlib
import sqlite3
from collections.abc import Iterator

from order_service.service_layer.errors import (
    StorageUnavailableError,
    WriteConflictError,
    WriteRefusedError,
)

CONFLICT = ("SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_UNIQUE")


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise the service's own errors for the driver's."""
    try:
        yield
    except sqlite3.IntegrityError as error:
        conflict = getattr(error, "sqlite_errorname", "") in CONFLICT
        raise (WriteConflictError if conflict else WriteRefusedError)(str(error)) from error
    except sqlite3.DataError as error:
        raise WriteRefusedError(str(error)) from error
    except (sqlite3.Error, OSError, TimeoutError) as error:
        raise StorageUnavailableError(str(error) or "the database does not answer in time") from error


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Around the writing of values: what cannot even be bound to a statement is refused."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError) as error:
        raise WriteRefusedError(str(error)) from error
