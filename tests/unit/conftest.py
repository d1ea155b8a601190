"""What hundreds of unit tests would otherwise pay for anew, and what none of them may depend on: how fast this machine is."""

import functools
import ssl
from collections.abc import Iterator
from typing import Any

import certifi
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


@pytest.fixture(scope="session", autouse=True)
def certificates_read_once() -> Iterator[None]:
    """HTTP clients share one context of the public certificates: parsing them is most of what making a client costs."""
    make = ssl.create_default_context
    public = functools.cache(lambda: make(cafile=certifi.where()))

    def shared(*args: Any, **options: Any) -> ssl.SSLContext:
        is_public = not args and options == {"cafile": certifi.where()}
        return public() if is_public else make(*args, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", shared)
        yield
