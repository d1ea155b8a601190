"""Who asks: a bearer token (RFC 6750) of an OpenID Connect issuer, checked against the keys that it publishes.

Where no issuer is set nobody is asked, and everybody may do everything.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, field
from http import HTTPStatus
from typing import Any
from unicodedata import normalize

import httpx
import structlog
from fastapi import HTTPException, Request
from joserfc import jwk, jws, jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

log = structlog.get_logger()

Refuse = Callable[[Scope, int, str, str], ASGIApp]
"""The request, and status, kind and detail of a refusal, to the response in the service's own format of errors."""

STAFF = "shop:staff"
CALLER = "caller"
SCHEME = "token"
# Signatures that only the issuer can make; a token that says `none`, or a secret of both sides, is none of them.
ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "Ed25519", "EdDSA",
)  # fmt: skip
KEYS_LAST_S = 600.0
ASK_AGAIN_S = 2.0
PATIENCE_S = 1.0  # for an issuer that does not answer, where the keys of before are known
MOST_REMEMBERED = 10_000
LONGEST = 16 * 1024
LONGEST_HEADER = 8 * 1024  # a chain of certificates is long

# What is in a header beyond what is known is none of a verifier's business (RFC 7515, 4), unless it is critical.
_HEADERS = jws.JWSRegistry(algorithms=ALGORITHMS, strict_check_header=False)
_HEADERS.max_header_length = LONGEST_HEADER


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a valid token speaks for: its subject, which is the user, and the roles in it."""

    subject: str
    roles: frozenset[str]

    @property
    def is_staff(self) -> bool:
        """Whether what belongs to others is open to them too."""
        return STAFF in self.roles


class InvalidTokenError(Exception):
    """The token proves nothing; the message says why and holds nothing of it."""


class KeysUnavailableError(Exception):
    """The issuer does not answer, so no token can be checked."""


@dataclass(slots=True, kw_only=True)
class TokenVerifier:
    """Checks tokens. A token found good is remembered until it ends or the issuer's keys are asked for again."""

    issuer: str
    audience: str
    client: httpx.AsyncClient
    roles_claim: str = "roles"
    leeway_s: float = 10.0
    clock: Callable[[], float] = time.time
    _keys: jwk.KeySet | None = None
    _known_since: float = -KEYS_LAST_S
    _asked_at: float = -ASK_AGAIN_S
    _asking: asyncio.Task[None] | None = None
    _known: dict[str, tuple[float, Caller]] = field(default_factory=dict)

    async def verify(self, token: str) -> Caller:
        """The caller.

        Raises:
            InvalidTokenError: it is malformed, of another issuer, for another audience, over, or signed by another.
            KeysUnavailableError: the issuer's keys are not known and cannot be asked for.
        """
        if self.clock() - self._known_since >= KEYS_LAST_S:
            await self._ask_for_keys(patience_s=None if self._keys is None else PATIENCE_S)
        if known := self._known.get(token):
            ends, caller = known
            if self.clock() < ends + self.leeway_s:
                return caller
            raise InvalidTokenError("the token has expired")
        if len(token) > LONGEST:
            raise InvalidTokenError("the token is too long")
        try:
            ends, caller = self._read(token)
        except InvalidKeyIdError:  # the issuer may have a new key
            await self._ask_for_keys(patience_s=None)
            try:
                ends, caller = self._read(token)
            except InvalidKeyIdError:
                raise InvalidTokenError("the token is signed with no key of the issuer") from None
        if len(self._known) >= MOST_REMEMBERED:
            self._known.clear()
        self._known[token] = (ends, caller)
        return caller

    async def described(self) -> Mapping[str, Any]:
        """What the issuer publishes of itself (OpenID Connect Discovery), asked for anew.

        Raises httpx's errors (`InvalidURL` is none of its `HTTPError`), and `ValueError`, `LookupError` or `TypeError` for another document than that.
        """
        described: Mapping[str, Any] = await self._json(
            f"{self.issuer.rstrip('/')}/.well-known/openid-configuration"
        )
        if described["issuer"] != self.issuer:
            raise ValueError("it calls itself otherwise")
        return described

    def _read(self, token: str) -> tuple[float, Caller]:
        """When the token ends, and who it speaks for."""
        if self._keys is None:
            raise KeysUnavailableError("the issuer of the tokens does not answer")
        registry = jwt.JWTClaimsRegistry(
            now=int(self.clock()),
            leeway=int(self.leeway_s),
            iss={"essential": True, "value": self.issuer},
            aud={"essential": True, "value": self.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        try:
            claims = jwt.decode(token, self._keys, registry=_HEADERS).claims
            registry.validate(claims)
            return float(claims["exp"]), Caller(claims["sub"], _roles(claims, self.roles_claim))
        except (InvalidKeyIdError, MemoryError):
            raise
        except Exception as error:  # noqa: BLE001 - a token holds anything: a header that is a list, JSON nested too deeply
            raise InvalidTokenError(getattr(error, "description", "") or type(error).__name__) from None

    async def _ask_for_keys(self, *, patience_s: float | None) -> None:
        """Have the issuer's keys asked for, all who wait at once, unless that was done just now.

        Waits for the answer, not longer than `patience_s`: it is taken whenever it comes.
        """
        if self._asking is None or self._asking.done():
            if self.clock() - self._asked_at < ASK_AGAIN_S:
                return
            self._asking = asyncio.create_task(self._take_keys(), name="keys")
        asking = self._asking
        await asyncio.wait({asking}, timeout=patience_s)
        if asking.done():
            asking.result()

    async def _take_keys(self) -> None:
        try:
            described = await self.described()
            self._keys = _usable(await self._json(described["jwks_uri"]))
        except Exception as error:  # noqa: BLE001 - what an issuer answers is anything: JSON nested too deeply
            # The keys of before serve on, if there are any.
            log.warning("issuer.unavailable", issuer=self.issuer, error=repr(error))
        else:
            self._known.clear()
            self._known_since = self.clock()
        finally:
            self._asked_at = self.clock()

    async def _json(self, url: str) -> Any:
        answer = await self.client.get(url)
        return answer.raise_for_status().json()


@dataclass(frozen=True, slots=True)
class AuthenticationMiddleware:
    """Lets a request on with its `Caller`; answers 401 without one. Below `open_paths` nobody is asked."""

    app: ASGIApp
    _: KW_ONLY
    verifier: TokenVerifier
    refuse: Refuse
    open_paths: Collection[str]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or self._is_open(scope["path"]):
            await self.app(scope, receive, send)
            return
        token = _bearer(scope)
        if token is None:
            await self._challenge(scope, receive, send, "", "a bearer token of the issuer is required")
            return
        try:
            scope[CALLER] = await self.verifier.verify(token)
        except InvalidTokenError as error:
            await self._challenge(scope, receive, send, ' error="invalid_token"', str(error))
        except KeysUnavailableError as error:
            await self.refuse(scope, 503, "issuer-unavailable", str(error))(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    def _is_open(self, path: str) -> bool:
        return is_open(path, self.open_paths)

    async def _challenge(self, scope: Scope, receive: Receive, send: Send, error: str, detail: str) -> None:
        async def challenging(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["WWW-Authenticate"] = f"Bearer{error}"
            await send(message)

        await self.refuse(scope, 401, "unauthorized", detail)(scope, receive, challenging)


def is_open(path: str, open_paths: Collection[str]) -> bool:
    """Whether nobody is asked at `path`: it is one of `open_paths`, or below one that ends in a slash."""
    return any(
        path == each or (each.endswith("/") and path.startswith(each) and each != "/") for each in open_paths
    )


def describe_authentication(
    described: dict[str, Any], *, issuer: str, open_paths: Collection[str], refusal: Mapping[str, Any]
) -> None:
    """Say in an OpenAPI document which token its operations need, and that they refuse (401, 403) with `refusal`.

    `refusal` is the content of such an answer, by media type. Changes the document in place.
    """
    scheme = {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": f"An access token of {issuer}. The role {STAFF} opens what is not the caller's own.",
    }
    described.setdefault("components", {})["securitySchemes"] = {SCHEME: scheme}
    for path, operations in described["paths"].items():
        if is_open(path, open_paths):
            continue
        for operation in operations.values():
            operation["security"] = [{SCHEME: []}]
            for status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE):
                answer = {"description": status.phrase, "content": dict(refusal)}
                operation["responses"].setdefault(str(status.value), answer)


def caller_of(request: Request) -> Caller | None:
    """Who has sent the request; None where nobody is asked."""
    caller: Caller | None = request.scope.get(CALLER)
    return caller


def require_own(request: Request, user_id: str | None) -> None:
    """Raise 403 when something of another user than the caller is asked for, unless the caller is of the staff."""
    caller = caller_of(request)
    if caller is not None and not caller.is_staff and not _same_user(user_id, caller.subject):
        raise HTTPException(403, f"user_id has to be the token's own subject, or its roles hold {STAFF}")


def _same_user(user_id: str | None, subject: str) -> bool:
    """Ids are compared letter by letter, each accent in one form (NFC)."""
    return user_id is not None and normalize("NFC", user_id) == normalize("NFC", subject)


def require_staff(request: Request) -> None:
    """Raise 403 unless the caller is of the staff."""
    caller = caller_of(request)
    if caller is not None and not caller.is_staff:
        raise HTTPException(403, f"this needs a token whose roles hold {STAFF}")


def _bearer(scope: Scope) -> str | None:
    sent = [value for name, value in scope["headers"] if name == b"authorization"]
    if len(sent) != 1:
        return None
    scheme, _, token = sent[0].decode("latin-1").strip().partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _usable(published: Any) -> jwk.KeySet:
    """The keys of a set that are known here; the others are passed over (RFC 7517, 5), whatever is wrong with one.

    Raises `LookupError` or `TypeError` for what is no such set, and `ValueError` when no key is left.
    """
    keys = []
    for each in published["keys"]:
        with suppress(JoseError, ValueError, TypeError, LookupError, AttributeError):
            key = jwk.JWKRegistry.import_key(each)
            key.ensure_kid()
            keys.append(key)
    if not keys:
        raise ValueError("it publishes no key that is known here")
    return jwk.KeySet(keys)


def _roles(claims: Mapping[str, Any], path: str) -> frozenset[str]:
    found: Any = claims
    for name in [path] if path in claims else path.split("."):  # a claim may be called as a web address
        found = found.get(name) if isinstance(found, Mapping) else None
    if isinstance(found, str):  # as the claim `scope` is written
        found = found.split()
    return (
        frozenset(each for each in found if isinstance(each, str)) if isinstance(found, list) else frozenset()
    )
