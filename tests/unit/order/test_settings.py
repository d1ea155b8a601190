"""What an instance's settings may be."""

import pytest
from pydantic import SecretStr

from order_service.settings import Settings

SECRET = "one that the instances share"  # noqa: S105 - of this test


@pytest.mark.parametrize("name", ["peer_secret", "peer_secret_also"])
def test_a_secret_is_not_shown_and_has_to_fit_a_header(name: str) -> None:
    def settings(secret: str) -> Settings:
        given = {name: SecretStr(secret)}
        return Settings(instance="order-1", database_url="sqlite:///x", kafka_bootstrap="x", **given)  # type: ignore[arg-type]

    assert SECRET not in repr(settings(SECRET))
    for bad in ("zwölf", "two\nlines", "\x7f"):
        with pytest.raises(ValueError, match=name):
            settings(bad)
