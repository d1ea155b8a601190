"""Who is let in: requests to a name this service is known by, and commands that no other site's page has sent.

A page can have its own name resolve to this machine (DNS rebinding) and then read every answer, so the `Host` has to be a
name of this service, a loopback name, or an address, which no page can make point elsewhere. And a page can send a
command without being able to read its answer, so a command with a foreign `Origin` is refused (Fetch, `Sec-Fetch-Site`).
"""

import ipaddress
import re
from collections.abc import Callable, Collection
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

Refuse = Callable[[Scope, int, str, str], ASGIApp]
"""The request, and status, kind and detail of a refusal, to the response in the service's own format of errors."""

ANY = "*"
LOOPBACK = "localhost"
READING = frozenset({"GET", "HEAD", "OPTIONS"})
OWN_SITES = frozenset({b"same-origin", b"none"})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HOST = re.compile(r"(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<name>[a-z0-9_.-]+))(?::[0-9]{1,5})?")


class RequestGuard:
    """ASGI middleware. `hosts` are names (without ports) besides loopback and addresses; `*` is any name.

    Refuses with 400 unless there is exactly one well-formed `Host` of these, and commands of other sites with 403.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str], refuse: Refuse) -> None:
        """Let requests through to `app` that are not answered by `refuse`."""
        self._app = app
        self._hosts = frozenset({LOOPBACK, *(host.lower().rstrip(".") for host in hosts)}) - {""}
        self._refuse = refuse
        self._known: set[bytes] = (
            set()
        )  # hosts found good, as written: parsing each anew costs more than all else here

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and (refusal := self._refusal(scope)) is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope) -> ASGIApp | None:
        hosts = [value for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1 or not self._is_own(hosts[0]):
            said = ", ".join(host.decode("latin-1") for host in hosts) or "none"
            return self._refuse(scope, 400, "unknown-host", f"the Host is {said!a}, no name of this service")
        if scope["method"] not in READING and _is_foreign(scope, hosts[0]):
            return self._refuse(scope, 403, "foreign-origin", "commands of other sites are not taken")
        return None

    def _is_own(self, host: bytes) -> bool:
        if host in self._known:
            return True
        found = _HOST.fullmatch(host.decode("latin-1").lower())
        if found is None:
            return False
        if found["ipv6"]:
            is_own = _is_address(found["ipv6"], ipaddress.IPv6Address)
        else:
            name = found["name"].rstrip(".")
            is_own = not self._hosts.isdisjoint({name, ANY}) or _is_address(name, ipaddress.IPv4Address)
        if is_own and len(self._known) < 100:  # noqa: PLR2004 - whoever asks under ever new addresses does not fill the memory
            self._known.add(host)
        return is_own


def _is_address(name: str, kind: Callable[[str], object]) -> bool:
    try:
        kind(name)
    except ValueError:
        return False
    return True


def _is_foreign(scope: Scope, host: bytes) -> bool:
    for name, value in scope["headers"]:
        if name == b"sec-fetch-site" and value.lower() not in OWN_SITES:
            return True
        if name == b"origin" and not _is_same(value.decode("latin-1"), host.decode("latin-1")):
            return True
    return False


def _is_same(origin: str, host: str) -> bool:
    """The origin is of this host and port; over TLS that ends at a proxy the scheme may differ."""
    try:
        sent = urlsplit(origin)
        default = _DEFAULT_PORTS[sent.scheme]
        asked = urlsplit(f"{sent.scheme}://{host}")
        return (sent.hostname, sent.port or default) == (asked.hostname, asked.port or default)  # noqa: TRY300 - reading a port is what may fail
    except (KeyError, ValueError):
        return False
