"""The certificate that a server presents: read again when its file has changed, so that it is renewed without a restart."""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable, Sequence

import structlog
import uvicorn

log = structlog.get_logger()

LOOK_EVERY_S = 2.0


async def follow_certificate(
    config: uvicorn.Config, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Have the server of `config`, which speaks https, present what is in its files now. Runs until cancelled.

    Connections that are open keep theirs. While the files cannot be read, or do not fit each other, the certificate of
    before is presented.
    """
    files = [file for file in (config.ssl_certfile, config.ssl_keyfile) if file is not None]
    presented = _stamps(files)
    failed: object = None
    while True:
        await sleep(LOOK_EVERY_S)
        found = _stamps(files)
        if found == presented or not config.loaded:
            continue
        try:
            _load(config)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            if failed != found:
                log.warning("certificate.unreadable", file=str(config.ssl_certfile), error=str(error))
            failed = found
        else:
            presented = found
            log.info("certificate.renewed", file=str(config.ssl_certfile))


def _stamps(files: Sequence[str | os.PathLike[str]]) -> list[tuple[int, int, int] | None]:
    """What changes with a file; None for one that is not there."""
    found: list[tuple[int, int, int] | None] = []
    for file in files:
        try:
            status = os.stat(file)  # noqa: PTH116 - a path as uvicorn was given it
        except OSError:
            found.append(None)
        else:
            found.append((status.st_mtime_ns, status.st_ino, status.st_size))
    return found


def _load(config: uvicorn.Config) -> None:
    if config.ssl is None or config.ssl_certfile is None:
        return
    chain = (config.ssl_certfile, config.ssl_keyfile, config.ssl_keyfile_password)
    # Tried elsewhere first: a context that has failed to load a chain is left without a key.
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(*chain)
    config.ssl.load_cert_chain(*chain)
