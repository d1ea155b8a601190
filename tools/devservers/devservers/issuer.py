"""A development issuer of access tokens, `python -m devservers.issuer`: **not for anything but a demo**.

It publishes what an OpenID Connect issuer does for services that check its tokens: the discovery document and the public
key. It has no log-in page. Tokens are signed by whoever may read its private key, the owner of the stack: `./demo token`.
"""

import argparse
import json
import ssl
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from joserfc import jwk, jwt

from devservers.ports import HOST
from devservers.private_files import write_private

ALGORITHM = "ES256"
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"


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

    def token(self, subject: str, *, audience: str, roles: Collection[str] = (), life_s: int = 3_600) -> str:
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
            "response_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [ALGORITHM],
        }
        keys = {"keys": [self._key().as_dict(private=False)]}
        return {DISCOVERY: json.dumps(described).encode(), KEYS: json.dumps(keys).encode()}

    def _key(self) -> jwk.ECKey:
        return jwk.ECKey.import_key(json.loads(self.key_file.read_text()))


def serve(issuer: DevelopmentIssuer, *, port: int, certificate: Path) -> None:
    """Serve over https at loopback until the process ends."""
    documents = issuer.documents()

    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            body = documents.get(self.path)
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
            """Say nothing of requests."""

    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    server = ThreadingHTTPServer((HOST, port), Handler)
    # The handshake is the first read's: who connects and says nothing does not hold up the others.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    server.serve_forever()


def main(words: Sequence[str] | None = None) -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(prog="issuer", description=__doc__)
    parser.add_argument("--url", required=True, help="what the tokens call it")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--key", type=Path, required=True)
    parser.add_argument("--certificate", type=Path, required=True)
    args = parser.parse_args(words)
    serve(DevelopmentIssuer(url=args.url, key_file=args.key), port=args.port, certificate=args.certificate)


if __name__ == "__main__":
    main()
