"""A development issuer of access tokens, `python -m devservers.issuer`: **not for anything but a demo**.

It publishes what an OpenID Connect issuer does for services that check its tokens, the discovery document and the public key,
and has a log-in page that believes what one says (`authorization`), for the one client that may use it. Programs get tokens
for a secret of theirs. Tokens are also signed by whoever may read its private key, the owner of the stack: `./demo token`.
"""

import argparse
import json
import re
import ssl
import time
from base64 import b64decode
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from joserfc import jwk, jwt

from devservers.authorization import AuthorizationError, Authorizations
from devservers.loopback import LOOPBACK
from devservers.private_files import write_private

ALGORITHM = "ES256"
DISCOVERY = "/.well-known/openid-configuration"
KEYS, AUTHORIZE, TOKEN = "/keys", "/authorize", "/token"
LIFE_S = 3_600
MOST_BODY = 16 * 1024
_LENGTH = re.compile("[0-9]{1,18}")


@dataclass(frozen=True, slots=True, kw_only=True)
class DevelopmentIssuer:
    """The issuer at `url`, whose key is kept in `key_file`."""

    url: str
    key_file: Path

    def make_key(self) -> None:
        """Make the key unless it is there."""
        if not self.key_file.exists():
            key = jwk.ECKey.generate_key("P-256", {"use": "sig", "alg": ALGORITHM}, auto_kid=True)
            write_private(self.key_file, json.dumps(key.as_dict(private=True)))

    def token(self, subject: str, *, audience: str, roles: Collection[str] = (), life_s: int = LIFE_S) -> str:
        """An access token of `subject` that is good for `life_s` seconds."""
        key = self._key()
        now = int(time.time())
        claims = {
            "iss": self.url,
            "sub": subject,
            "aud": audience,
            "iat": now,
            "exp": now + life_s,
            "roles": sorted(roles),
        }
        return jwt.encode({"alg": ALGORITHM, "kid": key.kid, "typ": "at+jwt"}, claims, key)

    def documents(self) -> dict[str, bytes]:
        """What is published, by path."""
        described = {
            "issuer": self.url,
            "jwks_uri": f"{self.url}{KEYS}",
            "authorization_endpoint": f"{self.url}{AUTHORIZE}",
            "token_endpoint": f"{self.url}{TOKEN}",
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["none", "client_secret_basic"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }
        keys = {"keys": [self._key().as_dict(private=False)]}
        return {DISCOVERY: json.dumps(described).encode(), KEYS: json.dumps(keys).encode()}

    def _key(self) -> jwk.ECKey:
        return jwk.ECKey.import_key(json.loads(self.key_file.read_text()))


class _Handler(BaseHTTPRequestHandler):
    """One request; `documents` and `logins` are the server's."""

    timeout = 10
    documents: Mapping[str, bytes]
    logins: Authorizations

    def do_GET(self) -> None:
        path, query = self._asked()
        if path == AUTHORIZE:
            self._answer_or_refuse(
                lambda: self._send(200, self.logins.page(query).encode(), "text/html; charset=utf-8")
            )
        else:
            body = self.documents.get(path)
            self._send(200 if body else 404, body or b"")

    def do_POST(self) -> None:
        path, query = self._asked()
        said = self.headers.get("Content-Length", "0")
        if not _LENGTH.fullmatch(said):
            self._send(400, b'{"error": "invalid_request"}')
            return
        length = int(said)
        form = dict(parse_qsl(self.rfile.read(min(length, MOST_BODY)).decode("latin-1")))
        if path == AUTHORIZE:
            self._answer_or_refuse(lambda: self._redirect(self.logins.grant(query, form.get("user", ""))))
        elif path == TOKEN:
            form |= self._basic_login()
            self._answer_or_refuse(lambda: self._send(200, _token_answer(self.logins.redeem(form))))
        else:
            self._send(404, b"")

    def _basic_login(self) -> dict[str, str]:
        """Id and secret of a program, as RFC 6749 (2.3.1) has them sent."""
        scheme, _, sent = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "basic":
            return {}
        try:
            name, _, secret = b64decode(sent).decode().partition(":")
        except ValueError:
            return {}
        return {"client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}

    def _asked(self) -> tuple[str, dict[str, str]]:
        parts = urlsplit(self.path)
        return parts.path, dict(parse_qsl(parts.query))

    def _answer_or_refuse(self, answer: Callable[[], None]) -> None:
        try:
            answer()
        except AuthorizationError as error:
            status = 401 if str(error) == "invalid_client" else 400
            self._send(status, json.dumps({"error": str(error)}).encode())

    def _redirect(self, where: str) -> None:
        self.send_response(303)
        self.send_header("Location", where)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing of requests."""


def _token_answer(token: str) -> bytes:
    return json.dumps({"access_token": token, "token_type": "Bearer", "expires_in": LIFE_S}).encode()


def serve(
    issuer: DevelopmentIssuer, logins: Authorizations, *, host: str, port: int, certificate: Path
) -> None:
    """Serve over https until the process ends."""
    handler = type("Handler", (_Handler,), {"documents": issuer.documents(), "logins": logins})
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer((host, port), handler)
    # The handshake is the first read's: who connects and says nothing does not hold up the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def main(words: Sequence[str] | None = None) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="issuer", description=__doc__)
    parser.add_argument("--url", required=True, help="what the tokens call it")
    parser.add_argument(
        "--host", default=LOOPBACK, help="where to listen; loopback, unless it is in a container"
    )
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    parser.add_argument("--audience", default="shop", help="whom the tokens of a log-in are for")
    parser.add_argument("--client", default="page", help="the client id that may have people log in")
    parser.add_argument(
        "--redirect", action="append", default=[], help="where it may have them sent (repeatable)"
    )
    parser.add_argument(
        "--user", action="append", default=[], metavar="NAME[=ROLE]", help="who may log in (repeatable)"
    )
    parser.add_argument(
        "--programs",
        type=Path,
        help="a JSON file with the secret of each program that may have tokens for itself",
    )
    parser.add_argument(
        "--program-audience",
        default="kafka",
        help="whom the tokens of programs are for, with themselves as subject",
    )
    args = parser.parse_args(words)
    issuer = DevelopmentIssuer(url=args.url, key_file=args.key)
    roles = {name: [role] if role else [] for name, _, role in (user.partition("=") for user in args.user)}
    logins = Authorizations(
        client=args.client,
        redirects=frozenset(args.redirect),
        people=list(roles),
        token_of=lambda user: issuer.token(user, audience=args.audience, roles=roles[user]),
        programs=json.loads(args.programs.read_text()) if args.programs else {},
        program_token=lambda name: issuer.token(name, audience=args.program_audience),
    )
    serve(issuer, logins, host=args.host, port=args.port, certificate=args.certificate)


if __name__ == "__main__":
    main()
