"""TLS out of files that are read again when they have changed: what is renewed needs no restart."""

import os
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import structlog

if TYPE_CHECKING:
    import uvicorn

log = structlog.get_logger()

File = str | os.PathLike[str]


def reread(make: Callable[[], ssl.SSLContext], *files: File | None) -> ssl.SSLContext:
    """What `make` makes of `files`, and makes again once one of them has changed; None is no file.

    Raises what `make` raises, `OSError` or `ValueError`.
    """
    named = [file for file in files if file is not None]
    return RereadContext(make, named) if named else make()


def client_context(
    cafile: File | None, certificate: File | None = None, key: File | None = None
) -> ssl.SSLContext:
    """What a client trusts, the system's authorities without a file, and what it shows of itself. Raises `OSError`."""

    def make() -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=cafile)
        if certificate:
            context.load_cert_chain(certificate, key)
        return context

    return reread(make, cafile, certificate, key)


def serve_from_files(config: "uvicorn.Config") -> None:
    """Have the server of `config`, which speaks https and does not run yet, read its files again when they have changed."""
    from uvicorn.config import create_ssl_context  # noqa: PLC0415 - who has no certificates has no server either

    config.load()
    certificate, key, trusted = config.ssl_certfile, config.ssl_keyfile, config.ssl_ca_certs
    if certificate is None:
        return

    def make() -> ssl.SSLContext:
        return create_ssl_context(
            certfile=certificate,
            keyfile=key,
            password=config.ssl_keyfile_password,
            ssl_version=config.ssl_version,
            cert_reqs=config.ssl_cert_reqs,
            ca_certs=trusted,
            ciphers=config.ssl_ciphers,
        )

    config.ssl = reread(make, certificate, key, trusted)


class RereadContext(ssl.SSLContext):
    """Looks at its files for each new connection; see `reread`. Connections that are open keep what they have.

    While the files cannot be read, or do not fit each other, what was read before serves.
    """

    def __new__(cls, *_: Any) -> Self:
        """What this one trusts and shows by itself is never used, and would be nobody and nothing."""
        return super().__new__(cls, ssl.PROTOCOL_TLS_CLIENT)

    def __init__(self, make: Callable[[], ssl.SSLContext], files: Sequence[File]) -> None:
        """Reads the files. Raises what `make` raises."""
        self._make, self._files = make, tuple(Path(file) for file in files)
        self._stamps = [_stamp(file) for file in self._files]
        self._current = make()

    def wrap_bio(self, *args: Any, **options: Any) -> ssl.SSLObject:
        """A new connection of asyncio's."""
        return self.current().wrap_bio(*args, **options)

    def wrap_socket(self, *args: Any, **options: Any) -> ssl.SSLSocket:
        """A new connection that blocks."""
        return self.current().wrap_socket(*args, **options)

    def current(self) -> ssl.SSLContext:
        """What counts for a connection that is made now."""
        found = [_stamp(file) for file in self._files]
        if found != self._stamps:
            self._stamps = found  # of before the files are read: what changes meanwhile is read the next time
            files = [str(file) for file in self._files]
            try:
                self._current = self._make()
            except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
                log.warning("certificate.unreadable", files=files, error=str(error))
            else:
                log.info("certificate.renewed", files=files)
        return self._current


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What changes with a file, its mode and owner included; None for one that is not there."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_ctime_ns, status.st_ino, status.st_size
