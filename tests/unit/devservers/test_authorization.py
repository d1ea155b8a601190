"""The development issuer's log-in: a code is good once, for a while, and for whoever asked for it."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from devservers.authorization import LIFE_S, AuthorizationError, Authorizations

BACK = "https://localhost:8000/session/callback"
VERIFIER = "a text that only the client knows"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
QUERY = {
    "response_type": "code",
    "client_id": "page",
    "redirect_uri": BACK,
    "state": "s",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}
FORM = {
    "grant_type": "authorization_code",
    "client_id": "page",
    "redirect_uri": BACK,
    "code_verifier": VERIFIER,
}


def logins(now: list[float] | None = None) -> Authorizations:
    clock = now if now is not None else [0.0]
    return Authorizations(
        client="page",
        redirects={BACK},
        people=["ada", "<b>"],
        token_of=lambda user: f"token of {user}",
        clock=lambda: clock[0],
    )


def code_of(where: str) -> str:
    return parse_qs(urlsplit(where).query)["code"][0]


def test_a_code_becomes_the_token_of_its_user_once() -> None:
    issuer = logins()
    where = issuer.grant(QUERY, "ada")
    assert where.startswith(f"{BACK}?")
    assert parse_qs(urlsplit(where).query)["state"] == ["s"]
    form = {**FORM, "code": code_of(where)}
    assert issuer.redeem(form) == "token of ada"
    with pytest.raises(AuthorizationError, match="invalid_grant"):
        issuer.redeem(form)


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "another"},
        {"redirect_uri": f"{BACK}/x"},
        {"client_id": "other"},
        {"code": "guessed"},
    ],
    ids=str,
)
def test_a_code_is_worth_nothing_to_anybody_else(wrong: dict[str, str]) -> None:
    issuer = logins()
    form = {**FORM, "code": code_of(issuer.grant(QUERY, "ada")), **wrong}
    with pytest.raises(AuthorizationError, match="invalid_grant"):
        issuer.redeem(form)


def test_a_code_ends() -> None:
    now = [0.0]
    issuer = logins(now)
    form = {**FORM, "code": code_of(issuer.grant(QUERY, "ada"))}
    now[0] = LIFE_S + 1
    with pytest.raises(AuthorizationError, match="invalid_grant"):
        issuer.redeem(form)


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "other"},
        {"redirect_uri": "https://elsewhere.example/"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
    ],
    ids=str,
)
def test_what_is_asked_for_wrongly_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(AuthorizationError):
        logins().page(QUERY | wrong)
    with pytest.raises(AuthorizationError):
        logins().grant(QUERY | wrong, "ada")


def test_only_who_is_known_can_log_in_and_names_are_text() -> None:
    with pytest.raises(AuthorizationError, match="access_denied"):
        logins().grant(QUERY, "eve")
    page = logins().page(QUERY)
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_a_program_gets_a_token_for_its_secret_alone() -> None:
    issuer = logins()
    form = {"grant_type": "client_credentials", "client_id": "sink", "client_secret": "s"}
    with pytest.raises(AuthorizationError, match="invalid_client"):
        issuer.redeem(form)
    issuer = Authorizations(
        client="page",
        redirects=(),
        people=(),
        token_of=lambda user: user,
        programs={"sink": "s", "catalog": "c"},
        program_token=lambda name: f"token of {name}",
    )
    assert issuer.redeem(form) == "token of sink"
    for wrong in ({"client_secret": "c"}, {"client_secret": ""}, {"client_id": "else"}, {"client_id": ""}):
        with pytest.raises(AuthorizationError, match="invalid_client"):
            issuer.redeem(form | wrong)
