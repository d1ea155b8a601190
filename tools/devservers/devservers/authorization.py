"""The log-in of the development issuer: a page that asks who one is, and believes it. **Not for anything but a demo**.

The authorization code flow of OpenID Connect for public clients, with PKCE (RFC 7636), and the client credentials grant for
programs that have a secret; nothing else.
"""

import base64
import hashlib
import html
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

LIFE_S = 120
MOST_CODES = 1_000
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Who are you?</title>
<style>
body {{ font: 1.1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 15vh auto; padding: 0 1rem; }}
button {{ display: block; width: 100%; margin: .6rem 0; padding: .8rem; font: inherit; cursor: pointer; }}
</style>
<h1>Who are you?</h1>
<p>The development issuer believes what you say. It is for a demo on your own machine.</p>
<form method="post">{people}</form>
</html>
"""


class AuthorizationError(Exception):
    """A request that is not served; the message is one of OAuth's error codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a client asks for: a code, sent to `redirect_uri`, for whoever knows the text whose hash is `challenge`."""

    redirect_uri: str
    state: str
    challenge: str

    @classmethod
    def of(cls, query: Mapping[str, str], *, client: str, redirects: Collection[str]) -> "Request":
        """Read it. Raises `AuthorizationError`; nobody is sent anywhere then."""
        if query.get("client_id") != client or query.get("redirect_uri") not in redirects:
            raise AuthorizationError("unauthorized_client")
        if query.get("response_type") != "code" or query.get("code_challenge_method") != "S256":
            raise AuthorizationError("invalid_request")
        return cls(
            redirect_uri=query["redirect_uri"],
            state=query.get("state", ""),
            challenge=query.get("code_challenge", ""),
        )


@dataclass(slots=True, kw_only=True)
class Authorizations:
    """Codes that were given out and not yet used. `token_of` makes the access token of a user.

    `programs` has the secret of each program that may have tokens for itself, and `program_token` makes them.
    """

    client: str
    redirects: Collection[str]
    people: Collection[str]
    token_of: Callable[[str], str]
    programs: Mapping[str, str] = field(default_factory=dict, repr=False)
    program_token: Callable[[str], str] = field(default=lambda _: "")
    clock: Callable[[], float] = time.monotonic
    _codes: dict[str, tuple[float, str, Request]] = field(default_factory=dict)

    def page(self, query: Mapping[str, str]) -> str:
        """The page that asks who one is. Raises `AuthorizationError`."""
        self._request(query)
        names = (html.escape(person, quote=True) for person in self.people)
        return PAGE.format(
            people="".join(f'<button name="user" value="{name}">{name}</button>' for name in names)
        )

    def grant(self, query: Mapping[str, str], user: str) -> str:
        """Where to send a browser whose user has said to be `user`. Raises `AuthorizationError`."""
        request = self._request(query)
        if user not in self.people:
            raise AuthorizationError("access_denied")
        code = secrets.token_urlsafe(24)
        self._forget_old()
        self._codes[code] = (self.clock() + LIFE_S, user, request)
        return f"{request.redirect_uri}?{urlencode({'code': code, 'state': request.state})}"

    def redeem(self, form: Mapping[str, str]) -> str:
        """The access token for a code, once, or for a program's own secret. Raises `AuthorizationError`."""
        if form.get("grant_type") == "client_credentials":
            return self._of_program(form.get("client_id", ""), form.get("client_secret", ""))
        if form.get("grant_type") != "authorization_code":
            raise AuthorizationError("unsupported_grant_type")
        ends, user, request = self._codes.pop(form.get("code", ""), (0.0, "", None))
        if (
            request is None
            or ends < self.clock()
            or form.get("client_id") != self.client
            or form.get("redirect_uri") != request.redirect_uri
            or not secrets.compare_digest(_hash(form.get("code_verifier", "")), request.challenge)
        ):
            raise AuthorizationError("invalid_grant")
        return self.token_of(user)

    def _of_program(self, name: str, secret: str) -> str:
        known = self.programs.get(name)
        if known is None or not secrets.compare_digest(known.encode(), secret.encode()):
            raise AuthorizationError("invalid_client")
        return self.program_token(name)

    def _request(self, query: Mapping[str, str]) -> Request:
        return Request.of(query, client=self.client, redirects=self.redirects)

    def _forget_old(self) -> None:
        now = self.clock()
        self._codes = {code: each for code, each in self._codes.items() if each[0] >= now}
        while len(self._codes) >= MOST_CODES:
            del self._codes[next(iter(self._codes))]


def _hash(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
