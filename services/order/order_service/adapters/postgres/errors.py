"""PostgreSQL's errors, and asyncpg's, named by what to do about them."""

import contextlib
from collections.abc import Iterator

import asyncpg

from order_service.service_layer.errors import (
    StorageError,
    StorageUnavailableError,
    WriteConflictError,
    WriteRefusedError,
)

CONFLICT = ("23505", "40001", "40P01")  # unique_violation, serialization_failure, deadlock_detected
REFUSED = ("22", "23", "54")  # data exceptions, integrity constraints, limits such as an index row's size


def of_sqlstate(sqlstate: str) -> type[StorageError]:
    """The decision for a SQLSTATE. What is not known to be the values' fault may pass: 08, 53, 57 and all others."""
    if sqlstate in CONFLICT:
        return WriteConflictError
    if sqlstate.startswith(REFUSED):
        return WriteRefusedError
    return StorageUnavailableError


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Raise the service's own errors for the driver's."""
    try:
        yield
    except asyncpg.PostgresError as error:
        if isinstance(error.__cause__, MemoryError):  # which the driver takes for a value that cannot be sent
            raise error.__cause__ from None
        raise of_sqlstate(error.sqlstate or "")(str(error)) from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        raise StorageUnavailableError(str(error) or "the database does not answer in time") from error


@contextlib.contextmanager
def refusing() -> Iterator[None]:
    """Around the writing of values: what cannot even be sent is refused."""
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        raise WriteRefusedError(str(error)) from error
