"""What hundreds of unit tests would otherwise pay for anew, and what none of them may depend on: how fast this machine is."""

from collections.abc import Iterator
from pathlib import Path

import certifi
import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("any-machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any-machine")


@pytest.fixture(scope="session")
def public_authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The certificate of one of the public authorities."""
    end = "-----END CERTIFICATE-----\n"
    first, _, _ = Path(certifi.where()).read_text(encoding="utf-8").partition(end)
    file = tmp_path_factory.mktemp("public") / "ca.pem"
    file.write_text(first + end, encoding="utf-8")
    return file


@pytest.fixture(scope="module", autouse=True)
def one_public_authority(public_authority: Path) -> Iterator[None]:
    """Who trusts the public authorities reads one certificate and not all: that is most of what making a client costs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(certifi, "where", lambda: str(public_authority))
        patch.setenv("SSL_CERT_FILE", str(public_authority))  # OpenSSL's own
        yield
