"""The guide's reference is what the services and the contracts describe."""

import pytest

from tests.support.reference import EVENTS, HTTP, described, events_reference, http_reference, with_reference

RENEW = "run `.venv/bin/python -m tests.support.reference`"


async def test_the_reference_of_http_is_what_the_services_describe(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    services = await described(tmp_path_factory.mktemp("api"))
    text = HTTP.read_text(encoding="utf-8")
    assert with_reference(text, http_reference(services)) == text, RENEW
    for path in ("POST /orders", "GET /orders/{order_id}/history", "GET /sync"):
        assert f"`{path}`" in text


def test_the_reference_of_events_is_what_the_contracts_say() -> None:
    text = EVENTS.read_text(encoding="utf-8")
    assert with_reference(text, events_reference()) == text, RENEW
    assert "`order.placed.v1`" in text
