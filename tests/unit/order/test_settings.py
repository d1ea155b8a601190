"""What an instance's settings may be."""

import pytest
from pydantic import SecretStr

from order_service.settings import Settings

SECRET = "one that the instances share"  # noqa: S105 - of this test


def test_the_secret_is_not_shown_and_has_to_fit_a_header() -> None:
    def settings(secret: str) -> Settings:
        return Settings(
            instance="order-1", database_url="sqlite:///x", kafka_bootstrap="x", peer_secret=SecretStr(secret)
        )

    assert SECRET not in repr(settings(SECRET))
    for bad in ("zwölf", "two\nlines", "\x7f"):
        with pytest.raises(ValueError, match="peer_secret"):
            settings(bad)
