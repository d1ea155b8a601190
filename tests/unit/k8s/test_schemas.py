"""Every object against Kubernetes' own schemas, strictly: no unknown field, no wrong type, nothing missing.

The operators' own kinds (Strimzi, CloudNativePG, External Secrets) have schemas that no package brings; of these
tests/unit/k8s/test_examples.py checks what they have to agree on with the rest, and nothing else.
"""

import copy
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from kubernetes_validate import utils

from tests.support.manifests import K8S, Manifest, build, one
from tests.support.yaml_text import all_documents

OLDEST, NEWEST = (
    "1.34",
    "1.37",
)  # 1.34 is the first where a pod may sleep before it stops without a feature gate


@pytest.fixture(scope="module", autouse=True)
def schemas_read_once() -> Iterator[None]:
    """Kubernetes' definitions are megabytes, which would be read again for each object."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(utils, "schema_contents", cache(utils.schema_contents))
        yield


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("overlay", ["example", "secure"])
def test_every_object_is_as_kubernetes_wants_it(version: str, overlay: str) -> None:
    for manifest in build(K8S / "overlays" / overlay):  # the whole base is in it
        kubernetes_validate.validate(manifest, version, strict=True)


def misspelt(stateful: Manifest) -> None:
    context = stateful["spec"]["template"]["spec"]["containers"][0]["securityContext"]
    context["readOnlyRootFileSystem"] = context.pop("readOnlyRootFilesystem")


def of_the_wrong_type(stateful: Manifest) -> None:
    stateful["spec"]["replicas"] = "3"


def without_its_selector(stateful: Manifest) -> None:
    del stateful["spec"]["selector"]


@pytest.mark.parametrize("mistake", [misspelt, of_the_wrong_type, without_its_selector])
def test_a_mistake_is_found(mistake: Any) -> None:
    stateful = copy.deepcopy(one(build(K8S / "base"), "StatefulSet", "order"))
    mistake(stateful)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(stateful, NEWEST, strict=True)


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl, which has kustomize in it")
@pytest.mark.parametrize("folder", sorted(K8S.glob("**/kustomization.yaml")), ids=lambda p: p.parent.name)
def test_kustomize_makes_the_same_of_it(folder: Path) -> None:
    command = ["kubectl", "kustomize", str(folder.parent)]
    made = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout

    def by_name(manifests: Any) -> dict[tuple[str, str], Manifest]:
        return {(m["kind"], m["metadata"]["name"]): m for m in manifests}

    assert by_name(all_documents(made)) == by_name(build(folder.parent))
