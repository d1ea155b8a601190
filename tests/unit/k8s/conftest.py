"""The manifests of infra/k8s."""

import pytest

from tests.support.manifests import K8S, Manifest, build


@pytest.fixture(scope="session", params=["base", "overlays/example"])
def manifests(request: pytest.FixtureRequest) -> list[Manifest]:
    """Everything that is ours, as it stands and as the example installs it."""
    return build(K8S / request.param)
