"""Access tokens: what is believed, what is not and why, and how often the issuer is asked. In both services."""

import hmac
import json
import time
from base64 import urlsafe_b64encode
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from joserfc import jwk
from starlette.types import Scope

from catalog_service.http import authentication as of_catalog
from order_service.entrypoints.http import authentication as of_order
from tests.support.token_issuer import ISSUER, NOW, Issuer, verifier_of


async def test_a_valid_token_speaks_for_its_subject(issuer: Issuer) -> None:
    caller = await verifier_of(issuer).verify(issuer.token(roles=["shop:staff", "else"]))
    assert caller == of_order.Caller("ada", frozenset({"shop:staff", "else"}))
    assert caller.is_staff


@pytest.mark.parametrize("audience", ["shop", ["else", "shop"]])
async def test_one_of_several_audiences_is_enough(issuer: Issuer, audience: object) -> None:
    assert (await verifier_of(issuer).verify(issuer.token(aud=audience))).subject == "ada"


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://other.example"},
        {"iss": f"{ISSUER}/"},
        {"iss": ISSUER.upper()},
        {"iss": [ISSUER]},
        {"iss": None},
        {"aud": "else"},
        {"aud": "shop else"},
        {"aud": ["else"]},
        {"aud": []},
        {"aud": ["shop", 7]},
        {"aud": {"shop": True}},
        {"aud": None},
        {"exp": NOW - 6},
        {"exp": NOW - 5},
        {"exp": None},
        {"exp": "never"},
        {"exp": True},
        {"exp": float("nan")},
        {"exp": float("inf")},
        {"exp": 10**400},
        {"nbf": NOW + 60},
        {"nbf": NOW + 6},
        {"nbf": "now"},
        {"iat": NOW + 60},
        {"sub": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": ["ada"]},
    ],
    ids=lambda claims: str(claims)[:40],
)
async def test_a_token_whose_claims_do_not_fit_is_refused(issuer: Issuer, claims: dict[str, Any]) -> None:
    with pytest.raises(of_order.InvalidTokenError):
        await verifier_of(issuer).verify(issuer.token(**claims))


@pytest.mark.parametrize(
    "claims", [{"exp": NOW - 4}, {"nbf": NOW + 5}, {"iat": NOW + 5}, {"nbf": NOW, "iat": NOW - 60}], ids=str
)
async def test_clocks_may_differ_by_the_leeway(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert (await verifier_of(issuer).verify(issuer.token(**claims))).subject == "ada"


async def test_an_issuer_that_is_called_with_a_slash_is_believed_with_it_alone(issuer: Issuer) -> None:
    verifier = verifier_of(issuer)
    verifier.issuer = f"{ISSUER}/"
    with pytest.raises(of_order.KeysUnavailableError):  # it calls itself otherwise
        await verifier.verify(issuer.token(iss=f"{ISSUER}/"))


@pytest.mark.parametrize(
    "header",
    [
        {"pi.atm": "1"},
        {"nonce": "of the issuer's own", "x5t": "abc"},
        {"typ": "at+jwt", "x5c": ["M" * 3_000]},
        {"kid": "first", "cty": "json", "jku": "https://elsewhere.example/keys"},
    ],
    ids=",".join,
)
async def test_what_a_header_says_beside_is_passed_over(issuer: Issuer, header: dict[str, Any]) -> None:
    assert (await verifier_of(issuer).verify(issuer.token(header=header))).subject == "ada"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "ES384"},
        {"alg": "RS256"},
        {"alg": "es256"},
        {"alg": ["ES256"]},
        {"alg": None},
        {"kid": "of nobody"},
        {"kid": ""},
        {"kid": None},
        {"kid": 1},
        {"kid": ["first"]},
        {"kid": "../keys"},
        {"crit": ["exp"], "exp": 1},
        {"crit": ["pi.atm"]},
        {"crit": "alg"},
        {"crit": ["b64"], "b64": False},
        {"b64": "no"},
    ],
    ids=str,
)
async def test_a_header_that_asks_for_something_else_is_refused(
    issuer: Issuer, header: dict[str, Any]
) -> None:
    head = {"alg": "ES256", "kid": "first"} | header
    body = {"iss": ISSUER, "aud": "shop", "sub": "ada", "exp": NOW + 60}
    issuer.others = [jwk.ECKey.generate_key("P-256", {"kid": "second"}).as_dict(private=False)]
    with pytest.raises(of_order.InvalidTokenError):
        await verifier_of(issuer).verify(issuer.signed(json.dumps(head), json.dumps(body)))


@pytest.mark.parametrize("kid", [None, "first"])
async def test_a_key_that_a_token_brings_along_is_not_believed(issuer: Issuer, kid: str | None) -> None:
    other = jwk.ECKey.generate_key("P-256")
    header = {"jwk": other.as_dict(private=False), "jku": "https://elsewhere.example/keys", "kid": kid}
    given = {name: value for name, value in header.items() if value is not None}
    with pytest.raises(of_order.InvalidTokenError):
        await verifier_of(issuer).verify(issuer.token(header=given, key=other))


DEEP = "[" * 5_000
HEAD = '{"alg":"ES256","kid":"first"}'


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (DEEP, "{}"),
        ('{"alg":' + DEEP, "{}"),
        ("[]", "{}"),
        ("7", "{}"),
        ("null", "{}"),
        ("{}", "{}"),
        (HEAD, DEEP),
        (HEAD, "[]"),
        (HEAD, "{"),
        (HEAD, '{"exp":' + "9" * 5_000 + "}"),
        (HEAD, '{"exp":1e400}'),
    ],
    ids=range(11),
)
async def test_a_token_of_another_form_is_refused_whoever_has_signed_it(
    issuer: Issuer, head: str, body: str
) -> None:
    with pytest.raises(of_order.InvalidTokenError):
        await verifier_of(issuer).verify(issuer.signed(head, body))


@pytest.mark.parametrize(("length", "is_taken"), [(9_000, True), (20_000, False)])
async def test_a_long_token_is_taken_up_to_a_bound(issuer: Issuer, length: int, *, is_taken: bool) -> None:
    token = issuer.token(groups=["g" * 100] * (length * 3 // 4 // 103))
    assert abs(len(token) - length) < 1_000
    verifying = verifier_of(issuer).verify(token)
    if is_taken:
        assert (await verifying).subject == "ada"
    else:
        with pytest.raises(of_order.InvalidTokenError, match="too long"):
            await verifying


async def test_a_token_signed_by_another_is_refused(issuer: Issuer) -> None:
    other = jwk.ECKey.generate_key("P-256", {"kid": "first"})
    with pytest.raises(of_order.InvalidTokenError):
        await verifier_of(issuer).verify(issuer.token(key=other))


@pytest.mark.filterwarnings("ignore:JWS algorithm")  # that is the point
async def test_a_token_without_a_signature_is_refused(issuer: Issuer) -> None:
    good = issuer.token()
    unsigned = issuer.token(header={"alg": "none"}, key=jwk.OctKey.generate_key())
    for token in (unsigned, good.rpartition(".")[0] + ".", "", "a.b.c", "ä" * 10, "x" * 20_000):
        with pytest.raises(of_order.InvalidTokenError):
            await verifier_of(issuer).verify(token)


@pytest.mark.parametrize(
    "header",
    [
        b"[" * 8_000,
        b'{"alg":' + b"[" * 8_000,
        b"[]",
        b'["alg"]',
        b'"alg"',
        b"7",
        b"null",
        b'{"alg":{}}',
        b'{"alg":["ES256"]}',
        b'{"alg":' + b"7" * 5_000 + b"}",
        b'{"alg":"ES256","kid":{}}',
        b'{"alg":"ES256","kid":[]}',
        b'{"alg":"ES256","kid":7}',
        b'{"alg":"ES256","crit":7}',
        b'{"alg":"ES256","crit":[{}]}',
        b'{"alg":"ES256","b64":false,"crit":["b64"]}',
        b'{"alg":"ES256","jwk":7,"x5c":7,"jku":7}',
        b"\xff",
    ],
    ids=lambda header: header[:40].decode("latin-1"),
)
async def test_a_token_with_any_header_is_refused(issuer: Issuer, header: bytes) -> None:
    _, body, seal = issuer.token().split(".")
    token = ".".join((urlsafe_b64encode(header).rstrip(b"=").decode(), body, seal))
    for text in (token, token + ".x.y", token.replace(".", "..", 1)):
        with pytest.raises(of_order.InvalidTokenError):
            await verifier_of(issuer).verify(text)


async def test_a_public_key_is_no_shared_secret(issuer: Issuer) -> None:
    head, body = (
        urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=")
        for part in (
            {"alg": "HS256", "kid": "first"},
            {"iss": ISSUER, "aud": "shop", "sub": "ada", "exp": NOW + 60},
        )
    )
    seal = hmac.digest(issuer.key.as_pem(private=False), head + b"." + body, "sha256")
    forged = b".".join((head, body, urlsafe_b64encode(seal).rstrip(b"="))).decode()
    with pytest.raises(of_order.InvalidTokenError):
        await verifier_of(issuer).verify(forged)


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("realm_access.roles", {"realm_access": {"roles": ["shop:staff"]}}),
        ("scope", {"scope": "openid shop:staff"}),
        ("https://shop.example/roles", {"https://shop.example/roles": ["shop:staff"]}),
    ],
)
async def test_roles_are_where_the_setting_says(issuer: Issuer, path: str, claims: dict[str, Any]) -> None:
    verifier = verifier_of(issuer)
    verifier.roles_claim = path
    assert (await verifier.verify(issuer.token(**claims))).is_staff


@pytest.mark.parametrize(
    "roles",
    [
        None,
        7,
        True,
        {"shop:staff": True},
        [["shop:staff"]],
        [7, None],
        ["shop:Staff"],
        ["shop:staff "],
        "shop",
        "shop:staff,x",
    ],
    ids=str,
)
async def test_what_is_no_list_of_roles_gives_none(issuer: Issuer, roles: object) -> None:
    assert not (await verifier_of(issuer).verify(issuer.token(roles=roles))).is_staff


def guarded(issuer: Issuer, module: Any) -> httpx.AsyncClient:
    """A service that tells who asks, behind the middleware of `module`."""
    app = FastAPI()

    @app.get("/{path:path}")  # noqa: FAST003 - every path is the same to it
    async def who(request: Request) -> PlainTextResponse:
        caller = module.caller_of(request)
        return PlainTextResponse(caller.subject if caller else "nobody")

    def refuse(_: Scope, status: int, kind: str, detail: str) -> PlainTextResponse:
        return PlainTextResponse(f"{kind}: {detail}", status)

    app.add_middleware(
        module.AuthenticationMiddleware,
        verifier=module.TokenVerifier(
            issuer=ISSUER,
            audience="shop",
            client=httpx.AsyncClient(transport=httpx.MockTransport(issuer.answer)),
            clock=time.time,
        ),
        refuse=refuse,
        open_paths=("/health/", "/"),
    )
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service")


@pytest.mark.parametrize("module", [of_order, of_catalog], ids=["order", "catalog"])
async def test_a_request_goes_on_with_its_caller_or_is_challenged(issuer: Issuer, module: Any) -> None:
    token = issuer.token(exp=time.time() + 60)

    async def asked(path: str, *headers: tuple[str, str]) -> httpx.Response:
        async with guarded(issuer, module) as client:
            return await client.get(
                path, headers=[(name.encode(), value.encode("latin-1")) for name, value in headers]
            )

    assert (await asked("/orders", ("authorization", f"Bearer {token}"))).text == "ada"
    assert (await asked("/orders", ("authorization", f"bearer  {token}"))).text == "ada"
    for path in ("/", "/health/live"):
        assert (await asked(path)).text == "nobody"
    for headers in (
        [],
        [("authorization", f"Basic {token}")],
        [("authorization", token)],
        [("authorization", f"Bearer\t{token}")],
        [("authorization", f"DPoP {token}")],
        [("x-authorization", f"Bearer {token}")],
        [("authorization", f"Bearer {token}"), ("authorization", f"Bearer {token}")],
    ):
        answer = await asked("/orders", *headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    for path in ("/orders?access_token=", "/stream?access_token=", "/stream?token="):
        assert (await asked(path + token)).status_code == 401, "an address is logged along its way"
    for sent in ("", f"{token}x", f"{token} {token}", f"{token},", f'"{token}"', "\xe4", "a.b.c"):
        wrong = await asked("/healthy", ("authorization", f"Bearer {sent}"))
        assert (wrong.status_code, wrong.headers["www-authenticate"]) == (401, 'Bearer error="invalid_token"')
        assert token not in wrong.text


@pytest.mark.parametrize("module", [of_order, of_catalog], ids=["order", "catalog"])
async def test_an_issuer_that_is_away_is_no_fault_of_the_token(issuer: Issuer, module: Any) -> None:
    issuer.is_up = False
    async with guarded(issuer, module) as client:
        answer = await client.get("/orders", headers={"authorization": f"Bearer {issuer.token()}"})
    assert answer.status_code == 503
