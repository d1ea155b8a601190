"""TLS in front of a PostgreSQL that was built without it, as the one out of the wheel is: `python -m devservers.postgres_tls`.

For development. It answers PostgreSQL's request for TLS, speaks TLS with the client and hands the bytes on to the server's
Unix socket, which nobody else can open. Whoever does not ask for TLS is refused.
"""

import argparse
import asyncio
import contextlib
import signal
import ssl
from collections.abc import Sequence
from pathlib import Path

from devservers.loopback import LOOPBACK

# The protocol's SSLRequest: its length, and a version that no client has.
SSL_REQUEST = (8).to_bytes(4) + (80_877_103).to_bytes(4)
YES = b"S"
REFUSED = b"SFATAL\0VFATAL\0C28000\0Mconnections without TLS are not taken\0\0"
PATIENCE_S = 10.0
CHUNK = 64 * 1024


async def serve(*, host: str, port: int, certificate: Path, socket: Path) -> None:
    """Serve until cancelled."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, TimeoutError):
            try:
                async with asyncio.timeout(PATIENCE_S):
                    asked = await reader.readexactly(len(SSL_REQUEST))
                    if asked != SSL_REQUEST:
                        # What is left unread would have the connection reset, and the answer lost.
                        await reader.read(CHUNK)
                        writer.write(b"E" + (len(REFUSED) + 4).to_bytes(4) + REFUSED)
                        await writer.drain()
                        return
                    writer.write(YES)
                    await writer.start_tls(context)
                    inner_reader, inner_writer = await asyncio.open_unix_connection(str(socket))
                await _join(reader, writer, inner_reader, inner_writer)
            finally:
                writer.close()

    server = await asyncio.start_server(answer, host, port)
    async with server:
        await server.serve_forever()


async def _join(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    inner_reader: asyncio.StreamReader,
    inner_writer: asyncio.StreamWriter,
) -> None:
    """Hand bytes on in both directions; the end of either is the end of both."""
    ways = [
        asyncio.create_task(_copy(reader, inner_writer)),
        asyncio.create_task(_copy(inner_reader, writer)),
    ]
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
        inner_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()


def main(words: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="postgres-tls", description=__doc__)
    parser.add_argument(
        "--host", default=LOOPBACK, help="where to listen; loopback, unless it is in a container"
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--socket", type=Path, required=True)
    args = parser.parse_args(words)

    async def run() -> None:
        serving = asyncio.create_task(
            serve(host=args.host, port=args.port, certificate=args.certificate, socket=args.socket)
        )
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    asyncio.run(run())


if __name__ == "__main__":
    main()
