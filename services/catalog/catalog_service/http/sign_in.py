"""Signing in on the page: OpenID Connect's authorization code flow with PKCE (RFC 7636), at the issuer of the tokens.

The access token is kept in a cookie that no script can read: a stream of the browser's (`EventSource`) can send no header, and
what a page cannot read it cannot lose. `SessionCookie` makes a bearer token of it again, so that everything behind it, and the
order instances too, know one way in.
"""

import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from http import HTTPStatus
from urllib.parse import quote_plus

import httpx
import structlog
from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, Field
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from catalog_service.http.authentication import Caller, InvalidTokenError, KeysUnavailableError, TokenVerifier
from catalog_service.http.problems import ProblemError

log = structlog.get_logger()

PATH = "/session"
# Cookies. The prefix binds them to this host, over https or on loopback.
TOKEN, PENDING = "__Host-token", "__Host-sign-in"
SIGN_IN_S = 600  # in which the issuer has to send the browser back
LIFE_S = 3_600  # of a token whose issuer does not say how long it is good
UNFIT = (
    httpx.HTTPError,
    httpx.InvalidURL,
    LookupError,
    TypeError,
    ValueError,
    OverflowError,  # a token that lasts for ever
    RecursionError,
)  # what an answer of another form leads to
LONGEST = 3_800  # bytes of a token; browsers keep cookies of 4,096 with their names


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInClient:
    """As what this service is known to the issuer.

    `redirect_url` is where the issuer sends the browser back, `/session/callback` as the browser reaches it; None: on the host
    that was asked, over https.
    """

    client_id: str
    client_secret: str | None = field(default=None, repr=False)
    scope: str = "openid"
    redirect_url: str | None = None

    @property
    def login(self) -> httpx.Auth:
        """How a confidential client says who it is (RFC 6749, 2.3.1); a public one does not."""
        if self.client_secret is None:
            return httpx.Auth()
        return httpx.BasicAuth(quote_plus(self.client_id), quote_plus(self.client_secret))


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
    """The flow: a code by way of the browser, the token for it from the issuer itself."""

    client: SignInClient
    verifier: TokenVerifier
    http: httpx.AsyncClient

    async def begin(self, request: Request) -> Response:
        """Send the browser to the issuer."""
        state, code_verifier = secrets.token_urlsafe(24), secrets.token_urlsafe(48)
        challenge = urlsafe_b64encode(sha256(code_verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": self.client.client_id,
            "redirect_uri": self._redirect_url(request),
            "scope": self.client.scope,
            "state": state,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        try:
            url = httpx.URL((await self.verifier.described())["authorization_endpoint"])
        except UNFIT as error:
            raise _failed(HTTPStatus.BAD_GATEWAY, "the issuer does not say where to log in") from error
        answer = RedirectResponse(
            str(url.copy_merge_params(asked)), HTTPStatus.FOUND, {"Cache-Control": "no-store"}
        )
        _keep(answer, PENDING, f"{state}.{code_verifier}", life_s=SIGN_IN_S)
        return answer

    async def finish(self, request: Request) -> Response:
        """Take the code that the issuer has sent the browser back with, and keep the token it stands for."""
        state, _, code_verifier = request.cookies.get(PENDING, "").partition(".")
        sent = request.query_params.get("state", "")
        if not code_verifier or not secrets.compare_digest(sent.encode(), state.encode()):
            raise _failed(
                HTTPStatus.BAD_REQUEST, "this browser has not begun to sign in here, or too long ago"
            )
        try:
            token, life_s = await self._token(request, code_verifier)
            caller = await self.verifier.verify(token)
        except InvalidTokenError as error:
            raise _failed(
                HTTPStatus.BAD_GATEWAY, f"the issuer's token is not for this service: {error}"
            ) from error
        except (KeysUnavailableError, *UNFIT) as error:
            raise _failed(HTTPStatus.BAD_GATEWAY, "the issuer does not answer as it should") from error
        if len(token) > LONGEST:
            raise _failed(HTTPStatus.BAD_GATEWAY, "the issuer's token is too long for a cookie")
        log.info("session.begun", staff=caller.is_staff)
        answer = RedirectResponse("/", HTTPStatus.SEE_OTHER, {"Cache-Control": "no-store"})
        _keep(answer, TOKEN, token, life_s=life_s)
        answer.delete_cookie(PENDING, secure=True, httponly=True)
        return answer

    async def _token(self, request: Request, code_verifier: str) -> tuple[str, int]:
        """The token that the code stands for, and for how many seconds it is good.

        Raises `ProblemError` when the issuer says no, and what an answer of another form leads to (`UNFIT`).
        """
        if said := request.query_params.get("error"):
            raise _refused(said)
        code = request.query_params.get("code")
        if not code:
            raise _failed(HTTPStatus.BAD_REQUEST, "the issuer has sent the browser back without a code")
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_url(request),
            "client_id": self.client.client_id,
            "code_verifier": code_verifier,
        }
        endpoint = (await self.verifier.described())["token_endpoint"]
        answer = await self.http.post(endpoint, data=form, auth=self.client.login)
        if answer.status_code == HTTPStatus.BAD_REQUEST:
            raise _refused(answer.json()["error"])
        told = answer.raise_for_status().json()
        return str(told["access_token"]), int(told.get("expires_in") or LIFE_S)

    def _redirect_url(self, request: Request) -> str:
        own = request.url.replace(scheme="https", path=f"{PATH}/callback", query="")
        return self.client.redirect_url or str(own)


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

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            asked = HTTPConnection(scope)
            token = asked.cookies.get(TOKEN)
            if token and "authorization" not in asked.headers:
                bearer = (b"authorization", b"Bearer " + token.encode("latin-1"))
                scope = {**scope, "headers": [*scope["headers"], bearer]}
        await self.app(scope, receive, send)


async def _caller(verifier: TokenVerifier, token: str | None) -> Caller | None:
    if not token:
        return None
    try:
        return await verifier.verify(token)
    except (InvalidTokenError, KeysUnavailableError):
        return None


def _keep(answer: Response, name: str, value: str, *, life_s: int) -> None:
    # Lax: the issuer's redirect is a navigation from another site, and commands of other sites are refused anyway.
    answer.set_cookie(name, value, max_age=life_s, secure=True, httponly=True, samesite="lax")


def _refused(said: object) -> ProblemError:
    why = str(said)[:200].encode(errors="backslashreplace").decode()
    return _failed(HTTPStatus.BAD_REQUEST, f"the issuer refuses: {why}")


def _failed(status: HTTPStatus, why: str) -> ProblemError:
    return ProblemError(status, "sign-in-failed", why, headers={"Cache-Control": "no-store"})
