"""The manifests of infra/k8s."""

import pytest

from tests.support.manifests import K8S, Manifest, build


@pytest.fixture(scope="session", params=["base", "overlays/example", "overlays/secure"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Everything that is ours, as it stands and as the examples install it, without log-ins and with them."""
    return build(K8S / request.param)
