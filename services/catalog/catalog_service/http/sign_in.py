"""Signing in on the page: OpenID Connect's authorization code flow with PKCE (RFC 7636), at the issuer of the tokens.

The access token is kept in a cookie that no script can read: a stream of the browser's (`EventSource`) can send no header, and
what a page cannot read it cannot lose. `SessionCookie` makes a bearer token of it again, so that everything behind it, and the
order instances too, know one way in.
"""

import secrets
from dataclasses import KW_ONLY, dataclass
from http import HTTPStatus
from typing import Any

import httpx
import structlog
from authlib.common.errors import AuthlibBaseError
from authlib.integrations.httpx_client import AsyncOAuth2Client
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from catalog_service.http.authentication import Caller, InvalidTokenError, KeysUnavailableError, TokenVerifier
from catalog_service.http.problems import ProblemError

log = structlog.get_logger()

PATH = "/session"
TOKEN, PENDING = (
    "__Host-token",
    "__Host-sign-in",
)  # the prefix binds them to this host, over https or on loopback
SIGN_IN_S = 600  # in which the issuer has to send the browser back
LIFE_S = 3_600  # of a token whose issuer does not say how long it is good
LONGEST = 3_800  # bytes of a token; browsers keep cookies of 4,096 with their names


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInClient:
    """As what this service is known to the issuer.

    `redirect_url` is where the issuer sends the browser back, `/session/callback` as the browser reaches it; None: on the host
    that was asked, over https.
    """

    client_id: str
    client_secret: str | None = None
    scope: str = "openid"
    redirect_url: str | None = None


class Session(BaseModel):
    """Who the page is used by."""

    required: bool = Field(description="Whether a request needs a token here.")
    sign_in: str | None = Field(
        default=None, description="Where to go to get one; none where that is not set up."
    )
    user: str | None = None
    staff: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The flow. `verify` is what an httpx client takes: how the issuer's certificate is checked."""

    client: SignInClient
    verifier: TokenVerifier
    http: httpx.AsyncClient
    verify: Any

    async def begin(self, request: Request) -> Response:
        """Send the browser to the issuer."""
        state, code_verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        async with self._client(request) as client:
            url, _ = client.create_authorization_url(
                await self._endpoint("authorization_endpoint"), state=state, code_verifier=code_verifier
            )
        answer = RedirectResponse(url, HTTPStatus.FOUND, {"Cache-Control": "no-store"})
        _keep(answer, PENDING, f"{state}.{code_verifier}", life_s=SIGN_IN_S)
        return answer

    async def finish(self, request: Request) -> Response:
        """Take the code that the issuer has sent the browser back with, and keep the token it stands for."""
        state, _, code_verifier = request.cookies.get(PENDING, "").partition(".")
        if not code_verifier or not secrets.compare_digest(request.query_params.get("state", ""), state):
            raise _failed(
                HTTPStatus.BAD_REQUEST, "this browser has not begun to sign in here, or too long ago"
            )
        try:
            async with self._client(request) as client:
                answered = await client.fetch_token(
                    await self._endpoint("token_endpoint"),
                    authorization_response=str(request.url),
                    state=state,
                    code_verifier=code_verifier,
                )
            token = answered["access_token"]
            caller = await self.verifier.verify(token)
        except AuthlibBaseError as error:
            raise _failed(HTTPStatus.BAD_REQUEST, f"the issuer refuses: {error.error}") from error
        except InvalidTokenError as error:
            raise _failed(
                HTTPStatus.BAD_GATEWAY, f"the issuer's token is not for this service: {error}"
            ) from error
        except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
            raise _failed(HTTPStatus.BAD_GATEWAY, "the issuer does not answer as it should") from error
        if len(token) > LONGEST:
            raise _failed(HTTPStatus.BAD_GATEWAY, "the issuer's token is too long for a cookie")
        log.info("session.begun", staff=caller.is_staff)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        _keep(answer, TOKEN, token, life_s=int(answered.get("expires_in", LIFE_S)))
        answer.delete_cookie(PENDING, secure=True, httponly=True)
        return answer

    def _client(self, request: Request) -> AsyncOAuth2Client:
        asked = self.client
        return AsyncOAuth2Client(
            client_id=asked.client_id,
            client_secret=asked.client_secret,
            token_endpoint_auth_method="client_secret_basic" if asked.client_secret else "none",
            scope=asked.scope,
            redirect_uri=asked.redirect_url
            or str(request.url.replace(scheme="https", path=f"{PATH}/callback", query="")),
            code_challenge_method="S256",
            verify=self.verify,
            trust_env=False,
            timeout=10,
        )

    async def _endpoint(self, name: str) -> str:
        described = f"{self.verifier.issuer.rstrip('/')}/.well-known/openid-configuration"
        try:
            return str((await self.http.get(described)).raise_for_status().json()[name])
        except (httpx.HTTPError, LookupError, TypeError, ValueError) as error:
            raise _failed(HTTPStatus.BAD_GATEWAY, f"the issuer does not answer with its {name}") from error


def session_routes(verifier: TokenVerifier | None, sign_in: SignIn | None) -> APIRouter:
    """`/session`: who uses the page, and how to become somebody."""
    routes = APIRouter(prefix=PATH, include_in_schema=False)

    @routes.get("")
    async def session(request: Request, response: Response) -> Session:
        response.headers["Cache-Control"] = "no-store"
        if verifier is None:
            return Session(required=False)
        caller = await _caller(verifier, request.cookies.get(TOKEN))
        where = f"{PATH}/new" if sign_in is not None else None
        if caller is None:
            return Session(required=True, sign_in=where)
        return Session(required=True, sign_in=where, user=caller.subject, staff=caller.is_staff)

    @routes.delete("", status_code=HTTPStatus.NO_CONTENT)
    async def end(response: Response) -> None:
        response.delete_cookie(TOKEN, secure=True, httponly=True)

    if sign_in is not None:
        routes.get("/new")(sign_in.begin)
        routes.get("/callback")(sign_in.finish)
    return routes


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """ASGI middleware: a request without an `Authorization` of its own has the one of its cookie."""

    app: ASGIApp
    _: KW_ONLY
    _name: bytes = b"authorization"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http" and not any(name == self._name for name, _ in scope["headers"]):
            token = _cookie(scope, TOKEN)
            if token:
                bearer = (self._name, b"Bearer " + token.encode("latin-1"))
                scope = {**scope, "headers": [*scope["headers"], bearer]}
        await self.app(scope, receive, send)


async def _caller(verifier: TokenVerifier, token: str | None) -> Caller | None:
    if not token:
        return None
    try:
        return await verifier.verify(token)
    except (InvalidTokenError, KeysUnavailableError):
        return None


def _cookie(scope: Scope, wanted: str) -> str | None:
    for name, value in scope["headers"]:
        if name == b"cookie" and (found := cookie_parser(value.decode("latin-1")).get(wanted)):
            return found
    return None


def _keep(answer: Response, name: str, value: str, *, life_s: int) -> None:
    # Lax: the issuer's redirect is a navigation from another site, and commands of other sites are refused anyway.
    answer.set_cookie(name, value, max_age=life_s, secure=True, httponly=True, samesite="lax")


def _failed(status: HTTPStatus, why: str) -> ProblemError:
    return ProblemError(status, "sign-in-failed", why, headers={"Cache-Control": "no-store"})
